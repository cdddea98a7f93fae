//! [`Svg`]: a picture as text.

use std::fmt::Write;

/// How a word lies to its point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    End,
}

/// Elements, written one after the other.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    body: String,
}

/// A box: left, top, width, height.
pub(crate) type Box4 = (f64, f64, f64, f64);

impl Svg {
    /// Begins a group; `attributes` must be escaped.
    pub(crate) fn open(&mut self, attributes: &str) {
        self.push(&format!("<g {attributes}>\n"));
    }

    pub(crate) fn close(&mut self) {
        self.push("</g>\n");
    }

    pub(crate) fn rect(&mut self, (x, y, width, height): Box4, attributes: &str) {
        let (x, y, width, height) = (number(x), number(y), number(width), number(height));
        self.push(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {attributes}/>\n"
        ));
    }

    /// Lines from point to point as one path, in the colour of the group.
    pub(crate) fn lines(&mut self, lines: &[[(f64, f64); 2]]) {
        if lines.is_empty() {
            return;
        }
        let mut path = String::from("<path d=\"");
        for [(ax, ay), (bx, by)] in lines {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{} {}L{} {}", number(*ax), number(*ay), number(*bx), number(*by));
        }
        self.push(&path);
        self.push("\"/>\n");
    }

    pub(crate) fn text(&mut self, text: &str, (x, y): (f64, f64), size: f64, fill: &str, anchor: Anchor) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        // A third of the size below the middle is where the letters stand.
        let (x, y, size) = (number(x), number(y + size * 0.35), number(size));
        self.push(&format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{anchor}\">{}</text>\n",
            escape(text)
        ));
    }

    fn push(&mut self, text: &str) {
        self.body.push_str(text);
    }

    /// The whole file, with a name for those who do not see it.
    pub(crate) fn finish(self, (width, height): (f64, f64), name: &str) -> String {
        let (width, height, name) = (number(width.ceil()), number(height.ceil()), escape(name));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"system-ui, sans-serif\">\n\
             <title>{name}</title>\n{}</svg>\n",
            self.body
        )
    }
}

/// With two decimals at most.
fn number(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text that may stand in an element or an attribute. What XML has no place for becomes U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// About how wide a text of this size is: there is no font to measure it with.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let wide = text.chars().filter(|c| is_wide(*c)).count();
    let others = text.chars().count() - wide;
    others as f64 * size * 0.6 + wide as f64 * size
}

/// Whether a letter is as wide as it is high: the blocks of those that Unicode Standard Annex 11 calls wide or fullwidth,
/// most emoji among them.
fn is_wide(c: char) -> bool {
    matches!(
        u32::from(c),
        // Hangul, alone and in syllables.
        0x1100..=0x115f | 0xa960..=0xa97f | 0xac00..=0xd7a3
        // Chinese characters and their parts, kana, Yi.
        | 0x2e80..=0x303e | 0x3041..=0x4dbf | 0x4e00..=0xa4cf | 0xf900..=0xfaff
        // Vertical and fullwidth forms.
        | 0xfe10..=0xfe19 | 0xfe30..=0xfe6f | 0xff01..=0xff60 | 0xffe0..=0xffe6
        // Tangut and older kana.
        | 0x16fe0..=0x18dff | 0x1aff0..=0x1b2ff
        // Emoji.
        | 0x1f200..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f7e0..=0x1f7f0 | 0x1f900..=0x1faff
        // The planes of further Chinese characters.
        | 0x20000..=0x3fffd
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_are_as_wide_as_they_are_high() {
        let tens =
            ["春の小川さらさら行く", "한국어노래이름열글자", "ＦＵＬＬＷＩＤＴＨ！", "🎹🎸🥁🎺🎻🪕🪗🎷🎤🎼"];
        for ten in tens {
            assert_eq!((ten.chars().count(), width(ten, 13.0)), (10, 130.0), "{ten}");
        }
        // Six tenths, and the two mixed.
        assert_eq!(width("ten little", 10.0), 60.0);
        assert_eq!(width("花 ♭ｶ", 10.0), 28.0);
    }
}
