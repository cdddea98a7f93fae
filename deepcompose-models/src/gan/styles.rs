//! [`Styles`]: latents of bars that were played, one of which an accompaniment is played in.

use std::sync::Arc;

use rand::{Rng, RngExt};

use super::GanConfig;
use super::genre::Genre;
use super::latent::truncated_normal;

/// How far, in standard deviations of the prior, a latent is drawn from the style that it is drawn for.
const SPREAD: f32 = 0.4;

/// The styles that a generator plays in: for each genre, latents that an encoder read out of bars that were played.
///
/// A standard normal distribution has much room for latents that no bars have, and a generator that is given one
/// of those plays what no band does. Latents drawn around those of bars that were played have no such room: it is
/// the exemplar prior of Norouzi, Fleet and Norouzi 2020, "Exemplar VAE", with a bank of some bars of each genre
/// in place of all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Styles {
    /// `[genres, styles of each, numbers of a latent]`.
    values: Arc<[f32]>,
    genres: usize,
    len: usize,
}

impl Styles {
    pub(super) fn new(values: Vec<f32>, config: &GanConfig) -> Self {
        Self {
            values: values.into(),
            genres: config.genres().max(1),
            len: config.latent_shape().iter().product(),
        }
    }

    /// A latent near one of the styles of a genre.
    pub(super) fn draw<R: Rng + ?Sized>(&self, genre: Genre, rng: &mut R) -> Vec<f32> {
        let noise = truncated_normal(self.len, rng);
        let part = self.values.len() / self.genres;
        let styles = &self.values[genre.index().min(self.genres - 1) * part..][..part];
        let style = rng.random_range(0..(part / self.len).max(1));
        styles[style * self.len..].iter().zip(noise).map(|(x, noise)| x + SPREAD * noise).collect()
    }
}

/// Styles while a generator is trained: each window that is kept takes the place of one of its genre.
#[cfg(feature = "train")]
pub(super) struct StyleBank {
    values: Vec<f32>,
    genres: usize,
    each: usize,
}

#[cfg(feature = "train")]
impl StyleBank {
    pub(super) fn new(values: Vec<f32>, config: &GanConfig) -> Self {
        Self { values, genres: config.genres().max(1), each: config.styles() }
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Keeps a latent in a place drawn at random, so that what an encoder has read lately is most of what is there.
    pub(super) fn keep<R: Rng + ?Sized>(&mut self, genre: Genre, latent: &[f32], rng: &mut R) {
        let style = genre.index().min(self.genres - 1) * self.each + rng.random_range(0..self.each.max(1));
        if let Some(place) = self.values.get_mut(style * latent.len()..(style + 1) * latent.len()) {
            place.copy_from_slice(latent);
        }
    }
}

/// For each window of a batch one of the same genre, possibly itself.
#[cfg(feature = "train")]
pub(super) fn of_the_same<R: Rng + ?Sized>(genres: &[Genre], rng: &mut R) -> Vec<i32> {
    let one = |genre: &Genre| {
        let alike: Vec<i32> =
            (0..).zip(genres).filter(|(_, other)| *other == genre).map(|(w, _)| w).collect();
        alike[rng.random_range(0..alike.len())]
    };
    genres.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn latents_are_drawn_near_the_styles_of_their_genre() {
        let config = GanConfig::accompaniment().to_builder().styles(3).latent_channels(1).build().unwrap();
        let len = 10;
        // Style s of genre g is 100 g + 10 s throughout.
        let rows = (0..Genre::ALL.len() * 3).map(|row| (100 * (row / 3) + 10 * (row % 3)) as f32);
        let styles = Styles::new(rows.flat_map(|value| vec![value; len]).collect(), &config);
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        for genre in Genre::ALL {
            let mut found = [0; 3];
            for _ in 0..300 {
                let latent = styles.draw(genre, rng);
                assert_eq!(latent.len(), len);
                let mean = latent.iter().sum::<f32>() / len as f32;
                let style = ((mean - 100.0 * genre.index() as f32) / 10.0).round();
                assert!((0.0..=2.0).contains(&style), "{mean}");
                let centre = 100.0 * genre.index() as f32 + 10.0 * style;
                assert!(latent.iter().all(|x| (x - centre).abs() <= 2.0 * SPREAD + 1e-5));
                found[style as usize] += 1;
            }
            // 300 draws of three: 100 each, five standard deviations of 8.2.
            assert!(found.iter().all(|count| (59..=141).contains(count)), "{found:?}");
        }
    }

    #[cfg(feature = "train")]
    #[test]
    fn what_is_kept_is_found_in_its_genre() {
        let config = GanConfig::accompaniment().to_builder().styles(2).latent_channels(1).build().unwrap();
        let mut bank = StyleBank::new(vec![-1.0; 7 * 2 * 10], &config);
        let rng = &mut ChaCha8Rng::seed_from_u64(2);
        for _ in 0..20 {
            bank.keep(Genre::Jazz, &[5.0; 10], rng);
        }
        let jazz = Genre::Jazz.index();
        for (style, values) in bank.values().chunks(10).enumerate() {
            let expected = if style / 2 == jazz { 5.0 } else { -1.0 };
            assert!(values.iter().all(|x| *x == expected), "{style}");
        }
    }

    #[cfg(feature = "train")]
    #[test]
    fn others_are_of_the_same_genre() {
        let genres = [Genre::Rock, Genre::Pop, Genre::Rock, Genre::Rock, Genre::Edm];
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let mut found = [[0; 5]; 5];
        for _ in 0..300 {
            for (window, other) in of_the_same(&genres, rng).into_iter().enumerate() {
                found[window][other as usize] += 1;
            }
        }
        assert_eq!((found[1][1], found[4][4]), (300, 300));
        for window in [0, 2, 3] {
            // A third each, within five standard deviations.
            assert!([0, 2, 3].iter().all(|other| (59..=141).contains(&found[window][*other])));
            assert_eq!(found[window][1] + found[window][4], 0);
        }
    }
}
