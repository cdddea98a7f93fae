//! deepcompose-midi
