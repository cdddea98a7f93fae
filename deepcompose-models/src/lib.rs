//! deepcompose-models
