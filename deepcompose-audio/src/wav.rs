//! WAV files, whole and in pieces.

use std::io::{BufWriter, Cursor, Seek, Write};
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};
use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::renderer::{Block, Renderer};

/// How samples are kept in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WavFormat {
    /// Integers of 16 bits.
    #[default]
    Pcm16,
    /// Floats of 32 bits.
    Float32,
}

impl WavFormat {
    /// Bytes of a frame of two channels.
    #[must_use]
    pub const fn frame_bytes(self) -> u64 {
        match self {
            Self::Pcm16 => 4,
            Self::Float32 => 8,
        }
    }

    fn spec(self, sample_rate: u32) -> WavSpec {
        let (bits_per_sample, sample_format) = match self {
            Self::Pcm16 => (16, SampleFormat::Int),
            Self::Float32 => (32, SampleFormat::Float),
        };
        WavSpec { channels: 2, sample_rate, bits_per_sample, sample_format }
    }
}

/// A sample within −1..=1 as an integer, to the nearest.
pub(crate) fn pcm16(sample: f32) -> i16 {
    // The conversion saturates.
    (sample * 32_767.0).round() as i16
}

/// Sizes in a WAV file have 32 bits.
fn check_size(frames: u64, format: WavFormat) -> Result<(), AudioError> {
    let (value, limit) = (frames.saturating_mul(format.frame_bytes()), u64::from(u32::MAX) - 1024);
    if value > limit { Err(AudioError::Limit { what: "bytes of a WAV file", value, limit }) } else { Ok(()) }
}

fn write_to(
    target: impl Write + Seek,
    sample_rate: u32,
    format: WavFormat,
    blocks: impl Iterator<Item = Block>,
) -> Result<(), hound::Error> {
    let mut writer = WavWriter::new(target, format.spec(sample_rate))?;
    for block in blocks {
        for (l, r) in block.left.iter().zip(&block.right) {
            for x in [*l, *r] {
                match format {
                    WavFormat::Pcm16 => writer.write_sample(pcm16(x))?,
                    WavFormat::Float32 => writer.write_sample(x)?,
                }
            }
        }
    }
    writer.finalize()
}

fn to_io(error: hound::Error) -> std::io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => std::io::Error::other(other),
    }
}

/// Writes a file that appears whole or not at all, with the permissions of the one that was there. A link stays a link; a
/// pipe or a device is written to.
pub(crate) fn write_blocks(
    path: &Path,
    sample_rate: u32,
    frames: u64,
    format: WavFormat,
    blocks: impl Iterator<Item = Block>,
) -> Result<(), AudioError> {
    check_size(frames, format)?;
    let written = if deepcompose_files::is_stream(path) {
        deepcompose_files::write(path, &bytes_of(sample_rate, frames, format, blocks)?)
    } else {
        deepcompose_files::write_with(path, |file| {
            write_to(BufWriter::new(file), sample_rate, format, blocks).map_err(to_io)
        })
    };
    written.map_err(|e| AudioError::io(path, e))
}

/// The bytes of a file.
pub(crate) fn bytes_of(
    sample_rate: u32,
    frames: u64,
    format: WavFormat,
    blocks: impl Iterator<Item = Block>,
) -> Result<Vec<u8>, AudioError> {
    check_size(frames, format)?;
    let mut bytes = Cursor::new(Vec::new());
    // Memory takes all that a size check has let through.
    write_to(&mut bytes, sample_rate, format, blocks)
        .map_err(|e| AudioError::io(Path::new("memory"), to_io(e)))?;
    Ok(bytes.into_inner())
}

/// A WAV file in pieces: first its header, then a block at a time as it is rendered.
///
/// ```
/// use deepcompose_audio::{Instruments, RenderOptions, Renderer, WavFormat};
/// use deepcompose_core::InputTrack;
///
/// let options = RenderOptions { to: Some(0.5), tail: 0.0, ..RenderOptions::default() };
/// let renderer = Renderer::new(&InputTrack::SilentNight.score(), &Instruments::BuiltIn, &options)?;
/// let stream = renderer.into_wav(WavFormat::Pcm16)?;
/// let length = stream.bytes();
/// assert_eq!(stream.map(|piece| piece.len() as u64).sum::<u64>(), length);
/// # Ok::<(), deepcompose_audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct WavStream {
    renderer: Renderer,
    format: WavFormat,
    header: Option<Vec<u8>>,
    bytes: u64,
}

impl WavStream {
    pub(crate) fn new(renderer: Renderer, format: WavFormat) -> Result<Self, AudioError> {
        let frames = renderer.frames() - renderer.position();
        check_size(frames, format)?;
        let data = frames * format.frame_bytes();
        let mut header = format.spec(renderer.sample_rate()).into_header_for_infinite_file();
        let bytes = header.len() as u64 + data;
        // The two sizes that are not known to one that writes for ever.
        let riff = ((bytes - 8) as u32).to_le_bytes();
        if let Some(field) = header.get_mut(4..8) {
            field.copy_from_slice(&riff);
        }
        if let Some(field) = header.last_chunk_mut::<4>() {
            *field = (data as u32).to_le_bytes();
        }
        Ok(Self { renderer, format, header: Some(header), bytes })
    }

    /// The length of the whole file in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Iterator for WavStream {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.header.take().or_else(|| self.renderer.next().map(|block| block.to_bytes(self.format)))
    }
}
