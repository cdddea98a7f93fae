//! PNG out of SVG, by resvg.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree};

use crate::error::PictureError;

/// Pixels of a picture at most.
const MAX_PIXELS: f64 = 64e6;

/// Draws an SVG as PNG, `scale` pixels (0.1..=8) for each of the SVG's. Words are set in an embedded DejaVu Sans, so that
/// the picture is the same on every machine; pictures that the SVG refers to are left out, so nothing else is read.
///
/// # Errors
///
/// [`PictureError::OutOfRange`] for the scale, [`PictureError::Svg`] for text that is no SVG, [`PictureError::Limit`] for
/// more than 64 million pixels.
pub fn png_of_svg(svg: &str, scale: f32) -> Result<Vec<u8>, PictureError> {
    if !(0.1..=8.0).contains(&scale) {
        return Err(PictureError::OutOfRange { field: "scale", value: scale.into(), min: 0.1, max: 8.0 });
    }
    let none =
        ImageHrefResolver { resolve_data: Box::new(|_, _, _| None), resolve_string: Box::new(|_, _| None) };
    let mut options = Options { image_href_resolver: none, ..Options::default() };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    let broken = |what: String| PictureError::Svg { what };
    let tree = Tree::from_str(svg, &options).map_err(|e| broken(e.to_string()))?;
    let side = |length: f32| f64::from(length * scale).ceil().max(1.0);
    let (width, height) = (side(tree.size().width()), side(tree.size().height()));
    if width * height > MAX_PIXELS {
        let (value, limit) = ((width * height) as u64, MAX_PIXELS as u64);
        return Err(PictureError::Limit { what: "pixels of a picture", value, limit });
    }
    let mut pixels = Pixmap::new(width as u32, height as u32)
        .ok_or_else(|| broken("a picture without size".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| broken(e.to_string()))
}
