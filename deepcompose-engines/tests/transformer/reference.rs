//! A Transformer-XL in `f64`, written from the paper: the whole sequence at once, every pair of positions, a mask.

use deepcompose_engines::transformer::{NormWeights, TransformerSizes, TransformerWeights};

type Rows = Vec<Vec<f64>>;

/// `rows` times the matrix `[inputs, outputs]`, plus a bias if there is one.
fn linear(rows: &Rows, matrix: &[f32], bias: Option<&[f32]>) -> Rows {
    let outputs = matrix.len() / rows[0].len();
    let number = |row: &[f64], output: usize| {
        let products = row.iter().enumerate().map(|(i, x)| x * f64::from(matrix[i * outputs + output]));
        products.sum::<f64>() + bias.map_or(0.0, |bias| f64::from(bias[output]))
    };
    rows.iter().map(|row| (0..outputs).map(|output| number(row, output)).collect()).collect()
}

fn norm(rows: &Rows, norm: &NormWeights) -> Rows {
    let one = |row: &Vec<f64>| -> Vec<f64> {
        let width = row.len() as f64;
        let mean = row.iter().sum::<f64>() / width;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width;
        let parameters = norm.gamma.iter().zip(&norm.beta);
        let scaled = row.iter().zip(parameters).map(|(x, (gamma, beta))| {
            (x - mean) / (variance + 1e-5).sqrt() * f64::from(*gamma) + f64::from(*beta)
        });
        scaled.collect()
    };
    rows.iter().map(one).collect()
}

fn sum(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

/// The logits after every token.
pub(crate) fn logits(sizes: &TransformerSizes, weights: &TransformerWeights, tokens: &[u32]) -> Rows {
    let (d, width, d_head) = (sizes.d_model, sizes.d_attention(), sizes.d_head);
    let time = tokens.len();
    let embedding = |token: u32| -> Vec<f64> {
        weights.embedding[token as usize * d..][..d].iter().map(|x| f64::from(*x)).collect()
    };
    let mut x: Rows =
        tokens.iter().map(|t| embedding(*t).iter().map(|x| x * (d as f64).sqrt()).collect()).collect();
    let encodings: Rows = (0..time)
        .map(|distance| {
            let angle = |k: usize| distance as f64 / 10_000f64.powf((2 * k) as f64 / d as f64);
            (0..d / 2).map(|k| angle(k).sin()).chain((0..d / 2).map(|k| angle(k).cos())).collect()
        })
        .collect();
    for layer in &weights.layers {
        let entering = if sizes.pre_norm { norm(&x, &layer.attention_norm) } else { x.clone() };
        let qkv = linear(&entering, &layer.qkv, None);
        let r = linear(&encodings, &layer.positions, None);
        let mut context = vec![vec![0.0; width]; time];
        for head in 0..sizes.heads {
            for i in 0..time {
                let score = |j: usize| -> f64 {
                    if j > i || i - j > sizes.memory {
                        return f64::NEG_INFINITY;
                    }
                    let terms = (head * d_head..(head + 1) * d_head).map(|c| {
                        (qkv[i][c] + f64::from(weights.content_bias[c])) * qkv[j][width + c]
                            + (qkv[i][c] + f64::from(weights.position_bias[c])) * r[i - j][c]
                    });
                    terms.sum::<f64>() / (d_head as f64).sqrt()
                };
                let scores: Vec<f64> = (0..time).map(score).collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = scores.iter().map(|score| (score - most).exp()).sum();
                for (j, score) in scores.iter().enumerate() {
                    for c in head * d_head..(head + 1) * d_head {
                        context[i][c] += (score - most).exp() / total * qkv[j][2 * width + c];
                    }
                }
            }
        }
        x = sum(&x, &linear(&context, &layer.output, None));
        if !sizes.pre_norm {
            x = norm(&x, &layer.attention_norm);
        }
        let entering = if sizes.pre_norm { norm(&x, &layer.feed_forward_norm) } else { x.clone() };
        let mut inner = linear(&entering, &layer.expand, Some(&layer.expand_bias));
        inner.iter_mut().flatten().for_each(|x| *x = x.max(0.0));
        x = sum(&x, &linear(&inner, &layer.contract, Some(&layer.contract_bias)));
        if !sizes.pre_norm {
            x = norm(&x, &layer.feed_forward_norm);
        }
    }
    if let Some(last) = &weights.last_norm {
        x = norm(&x, last);
    }
    let out = |row: &Vec<f64>| -> Vec<f64> {
        let tokens = weights.embedding.chunks_exact(d).zip(&weights.output_bias);
        tokens
            .map(|(e, bias)| {
                row.iter().zip(e).map(|(x, e)| x * f64::from(*e)).sum::<f64>() + f64::from(*bias)
            })
            .collect()
    };
    x.iter().map(out).collect()
}
