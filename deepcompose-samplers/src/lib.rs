//! deepcompose-samplers
