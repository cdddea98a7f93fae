//! Logits in runs of a fixed length, as vector instructions want them.

/// Logits a block.
pub(crate) const BLOCK: usize = 32;

/// Logits in blocks. The last is filled up with −∞, which no sampler ever draws.
pub(crate) type Blocks = [[f32; BLOCK]];

/// Copies `logits` into blocks.
pub(crate) fn fill(blocks: &mut Vec<[f32; BLOCK]>, logits: &[f32]) {
    let (whole, rest) = logits.as_chunks();
    blocks.clear();
    blocks.reserve(whole.len() + 1);
    blocks.extend_from_slice(whole);
    if !rest.is_empty() {
        let mut last = [f32::NEG_INFINITY; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        blocks.push(last);
    }
}
