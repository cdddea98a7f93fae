//! [`TextEncoding`]: bytes of a file to text.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_8, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
};

/// How the texts of a file are to be read. Standard MIDI Files have no say in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TextEncoding {
    /// UTF-8 where a text is valid as that. For the others, one encoding for the whole file:
    /// Shift-JIS if all of them are valid as that and look like it, and then all texts of the file are read as that; else Latin-1.
    ///
    /// They look like it if there is a kana, a Japanese punctuation mark or a common kanji (lead byte
    /// 81 to 83, or 88 to 9F with a trail byte over 7F) or a run of four half-width katakana, and no
    /// fewer of these than of pairs that could as well be an accented letter and what follows it.
    #[default]
    Auto,
    /// UTF-8; what is none becomes U+FFFD.
    Utf8,
    /// Latin-1, with the additions of Windows-1252.
    Latin1,
    /// Shift-JIS, with the additions of Windows-31J.
    ShiftJis,
    /// EUC-JP.
    EucJp,
    /// EUC-KR, with the additions of Windows-949.
    EucKr,
    /// GB18030, which includes GBK and GB2312.
    Gb18030,
    /// Big5.
    Big5,
    /// Windows-1250, for Central European languages.
    Windows1250,
    /// Windows-1251, for Cyrillic script.
    Windows1251,
}

impl TextEncoding {
    fn table(self) -> &'static Encoding {
        match self {
            Self::Auto | Self::Utf8 => UTF_8,
            Self::Latin1 => WINDOWS_1252,
            Self::ShiftJis => SHIFT_JIS,
            Self::EucJp => EUC_JP,
            Self::EucKr => EUC_KR,
            Self::Gb18030 => GB18030,
            Self::Big5 => BIG5,
            Self::Windows1250 => WINDOWS_1250,
            Self::Windows1251 => WINDOWS_1251,
        }
    }

    /// This, or what [`TextEncoding::Auto`] comes to for these texts.
    pub(super) fn decide<'a>(self, texts: impl Iterator<Item = &'a [u8]>) -> Self {
        if self != Self::Auto {
            return self;
        }
        let mut seen = Seen::default();
        for text in texts {
            // Cheap first: nearly all texts are ASCII.
            if !text.is_ascii() && std::str::from_utf8(text).is_err() {
                seen.look_at(text);
            }
        }
        match seen {
            Seen { legacy: false, .. } => Self::Auto,
            Seen { is_valid: true, likely, doubtful, .. } if likely > 0 && likely >= doubtful => {
                Self::ShiftJis
            }
            _ => Self::Latin1,
        }
    }

    /// The text of some bytes, and whether some of them were none. `self` is decided; UTF-8 comes
    /// first if `prefers_utf8`.
    pub(super) fn decode(self, bytes: &[u8], prefers_utf8: bool) -> (String, bool) {
        if prefers_utf8 && let Ok(text) = std::str::from_utf8(bytes) {
            return (text.to_owned(), false);
        }
        let (text, has_errors) = self.table().decode_without_bom_handling(bytes);
        (text.into_owned(), has_errors)
    }
}

/// What there is in texts that are not UTF-8.
#[derive(Debug)]
struct Seen {
    legacy: bool,
    /// As Shift-JIS.
    is_valid: bool,
    likely: usize,
    doubtful: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self { legacy: false, is_valid: true, likely: 0, doubtful: 0 }
    }
}

impl Seen {
    fn look_at(&mut self, text: &[u8]) {
        self.legacy = true;
        let valid = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(text).is_some();
        self.is_valid &= valid;
        if !self.is_valid {
            return;
        }
        let mut bytes = text.iter().copied();
        let mut half_width = 0;
        while let Some(byte) = bytes.next() {
            half_width = if matches!(byte, 0xA1..=0xDF) { half_width + 1 } else { 0 };
            if half_width == 4 {
                self.likely += 1;
            }
            if !matches!(byte, 0x81..=0x9F | 0xE0..=0xFC) {
                continue;
            }
            match (byte, bytes.next()) {
                (0x81..=0x83, _) | (0x88..=0x9F, Some(0x80..)) => self.likely += 1,
                _ => self.doubtful += 1,
            }
        }
    }
}

/// At most `limit` bytes of a text, cut between characters, and whether it was longer.
pub(super) fn cut(mut text: String, limit: usize) -> (String, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    text.truncate(text.floor_char_boundary(limit));
    (text, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(texts: &[&[u8]]) -> Vec<String> {
        let encoding = TextEncoding::Auto.decide(texts.iter().copied());
        texts.iter().map(|t| encoding.decode(t, encoding != TextEncoding::ShiftJis).0).collect()
    }

    /// Each by itself, as if it were the only text of a file.
    #[test]
    fn short_texts_are_told_apart() {
        for text in [
            "Flöte",
            "Héros",
            "Für Elise",
            "Café",
            "piano à queue",
            "Violín",
            "Ó",
            "é",
            "Größe",
            "Ça va",
            "naïve",
            "Trompète Sí bémol",
            "señor",
            "Copyright © 2001",
            "©",
            "ø",
            "Träume",
            "été",
            "Prélude nº 1",
            "¿Qué?",
            "don’t",
            "“quoted”",
            "ÜBUNG",
            "Mazurka – 3",
            "Œuvre",
        ] {
            let (bytes, _, unmappable) = WINDOWS_1252.encode(text);
            assert!(!unmappable);
            assert_eq!(auto(&[&bytes]), [text]);
            assert_eq!(auto(&[text.as_bytes()]), [text]);
        }
        for text in [
            "あ",
            "音楽",
            "ピアノ",
            "ﾋﾟｱﾉ",
            "ﾄﾞﾗﾑ",
            "さくら",
            "ら",
            "夏",
            "ベース",
            "主旋律",
            "ストリングス",
            "ギター1",
            "Ａ",
            "★",
            "曲：山田太郎",
            "の",
            "君が代",
            "Bass(ベース)",
        ] {
            let (bytes, _, unmappable) = SHIFT_JIS.encode(text);
            assert!(!unmappable);
            assert_eq!(auto(&[&bytes]), [text]);
            assert_eq!(auto(&[text.as_bytes()]), [text]);
        }
    }

    #[test]
    fn one_encoding_counts_for_the_whole_file() {
        // A half-width katakana alone could be anything; beside kana it is what it looks like.
        assert_eq!(auto(&[&[0xB1], &[0x82, 0xA0]]), ["ｱ", "あ"]);
        assert_eq!(auto(&[&[0xB1]]), ["±"]);
        // One text that cannot be Shift-JIS decides.
        assert_eq!(auto(&[b"Caf\xE9", &[0x82, 0xA0]])[0], "Café");
        // UTF-8 beside Latin-1.
        assert_eq!(auto(&["é".as_bytes(), b"\xE9"]), ["é", "é"]);
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(TextEncoding::Utf8.decode(b"a\xFFb", true), ("a\u{FFFD}b".to_owned(), true));
        assert!(TextEncoding::ShiftJis.decode(b"\x82", false).1);
        // Every byte is a character of Windows-1252.
        let all: Vec<u8> = (0..=255).collect();
        assert!(!TextEncoding::Latin1.decode(&all, false).1);
    }

    #[test]
    fn names_are_cut_between_characters() {
        let cut = |limit| cut("Flöte".to_owned(), limit);
        assert_eq!(cut(3), ("Fl".to_owned(), true));
        assert_eq!(cut(4), ("Flö".to_owned(), true));
        assert_eq!(cut(6), ("Flöte".to_owned(), false));
    }
}
