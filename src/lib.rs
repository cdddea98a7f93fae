//! deepcompose
