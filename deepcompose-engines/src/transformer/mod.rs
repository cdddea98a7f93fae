//! Decoding with a Transformer-XL: weights prepared once, keys and values kept, several tokens or several
//! sequences at a time.

mod attention;
mod attention_head;
mod batch;
mod decoder;
mod engine;
mod feed_forward;
mod positions;
mod session;
mod sizes;
mod threads;
mod weights;

pub use batch::BatchDecoder;
pub use decoder::Decoder;
pub use engine::{DecodePrecision, TransformerEngine};
pub use sizes::TransformerSizes;
pub use weights::{NormWeights, TransformerLayerWeights, TransformerWeights};
