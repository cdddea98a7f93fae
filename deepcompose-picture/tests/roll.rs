//! Piano rolls as SVG, read with an XML parser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deepcompose_core::{
    At, InputTrack, Note, Pitch, Program, Score, Tick, TicksPerQuarter, TimeSignature, Track, Velocity,
};
use deepcompose_picture::{PianoRollPicture, PictureError, Theme, compare};
use roxmltree::{Document, Node};

fn note(start: u32, duration: u32, pitch: u32, velocity: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

fn score(tracks: Vec<Track>) -> Score {
    let mut score = Score::default();
    tracks.into_iter().for_each(|t| score.push_track(t));
    score
}

fn melody(name: &str, notes: Vec<Note>) -> Track {
    Track::new(name, Program::MIN).with_notes(notes)
}

fn rects<'a>(document: &'a Document<'a>, class: &str) -> Vec<Node<'a, 'a>> {
    let has = |n: &Node| n.attribute("class").is_some_and(|c| c.split(' ').any(|c| c == class));
    document.descendants().filter(|n| n.has_tag_name("rect") && has(n)).collect()
}

fn number(node: &Node, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

fn texts(document: &Document) -> Vec<String> {
    document.descendants().filter(|n| n.has_tag_name("text")).map(|n| n.text().unwrap().to_owned()).collect()
}

#[test]
fn a_rectangle_a_note_where_its_time_and_pitch_are() {
    // Two bars of 4/4 at 480 a quarter.
    let notes = vec![note(0, 480, 60, 127), note(480, 960, 64, 64), note(1920, 1920, 72, 1)];
    let music = score(vec![
        melody("", notes),
        Track::drums("Kit", Program::MIN).with_notes(vec![note(960, 10, 38, 90)]),
    ]);
    let svg = PianoRollPicture::new(&music).to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    let drawn = rects(&document, "note");
    assert_eq!(drawn.len(), 4);
    let x = |i: usize| number(&drawn[i], "x");
    let quarter = x(1) - x(0);
    assert!(quarter > 5.0);
    assert!((x(2) - x(0) - 4.0 * quarter).abs() < 0.03 && (x(3) - x(0) - 2.0 * quarter).abs() < 0.03);
    // Lengths, but for the gap of a pixel.
    for (i, quarters) in [(0, 1.0), (1, 2.0), (2, 4.0)] {
        assert!((number(&drawn[i], "width") + 1.0 - quarters * quarter).abs() < 0.03);
    }
    // A third and an octave up, in rows of one height; drums are below.
    let y = |i: usize| number(&drawn[i], "y");
    let row = (y(0) - y(1)) / 4.0;
    assert!((y(0) - y(2) - 12.0 * row).abs() < 0.03 && y(3) > y(0));
    // The louder the stronger.
    let opacity = |i: usize| number(&drawn[i], "fill-opacity");
    assert!(opacity(0) == 1.0 && opacity(0) > opacity(1) && opacity(1) > opacity(2));
    let words = texts(&document);
    for word in ["track 1", "Kit", "C4", "C5", "snare", "1", "2"] {
        assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
    }
    // All of it is within the picture.
    let (width, height) =
        (number(&document.root_element(), "width"), number(&document.root_element(), "height"));
    for rect in document.descendants().filter(|n| n.has_tag_name("rect")) {
        assert!(number(&rect, "x") >= 0.0 && number(&rect, "x") + number(&rect, "width") <= width);
        assert!(number(&rect, "y") >= 0.0 && number(&rect, "y") + number(&rect, "height") <= height);
    }
}

#[test]
fn every_tune_has_all_its_notes_in_both_themes() {
    for tune in InputTrack::ALL {
        let music = tune.score();
        for theme in [Theme::Light, Theme::Dark] {
            let svg = PianoRollPicture::new(&music).theme(theme).title(tune.name()).to_svg().unwrap();
            let document = Document::parse(&svg).unwrap();
            assert_eq!(rects(&document, "note").len(), music.note_count(), "{}", tune.slug());
            assert!(svg.contains(theme.track_colors()[0]));
        }
    }
}

#[test]
fn bars_and_beats_follow_the_metre() {
    let mut music = score(vec![melody("", vec![note(0, 3 * 480, 60, 80), note(3 * 480, 4 * 480, 62, 80)])]);
    let at =
        |tick: u32, n, d| At { tick: Tick::new(tick).unwrap(), value: TimeSignature::new(n, d).unwrap() };
    music.set_time_signatures(vec![at(0, 3, 4), at(3 * 480, 7, 8)]);
    let svg = PianoRollPicture::new(&music).to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    let left = number(&rects(&document, "note")[0], "x");
    let quarter = (number(&rects(&document, "note")[1], "x") - left) / 3.0;
    // Vertical lines, from the paths: where their x is, in quarters.
    let mut lines: Vec<i64> = document
        .descendants()
        .filter_map(|n| n.attribute("d"))
        .flat_map(|d| d.split('M').skip(1))
        .filter_map(|line| {
            let ends: Vec<&str> = line.split(['L', ' ']).collect();
            (ends[0] == ends[2])
                .then(|| ((ends[0].parse::<f64>().unwrap() - left) / quarter * 100.0).round() as i64)
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    // 3/4: 0, 1, 2; 7/8 as 2 + 2 + 3 eighths: 3, 4, 5; the second bar of it would begin at 6.5, and the note ends at 7.
    assert_eq!(lines, [0, 100, 200, 300, 400, 500, 650, 750, 850, 1000]);
}

#[test]
fn hostile_names_are_text() {
    let name = "</text><script>alert('x')</script>&amp;\"\u{0}\u{1b}\u{ffff}";
    let music = score(vec![
        melody(name, vec![note(0, 10, 60, 80)]),
        melody(&"long ".repeat(100), vec![note(0, 10, 61, 80)]),
    ]);
    let svg = PianoRollPicture::new(&music).title(name).to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    assert!(document.descendants().all(|n| !n.has_tag_name("script")));
    let words = texts(&document);
    assert!(words.iter().any(|w| w.starts_with("</text><script>alert('x')</script>&amp;\"\u{fffd}")));
    assert!(words.iter().all(|w| w.chars().count() < 80));
}

#[test]
fn names_in_wide_letters_have_room() {
    let name = "春の小川さらさら行く";
    assert_eq!(name.chars().count(), 10);
    let music = score(vec![melody(name, vec![note(0, 10, 60, 80)]), melody("b", vec![note(0, 10, 62, 80)])]);
    let svg = PianoRollPicture::new(&music).title(name.repeat(8)).to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    let place = |word: &str| {
        let is_it = |n: &Node| n.has_tag_name("text") && n.text() == Some(word);
        let text = document.descendants().find(is_it).unwrap();
        (number(&text, "x"), number(&text, "font-size"))
    };
    // A letter is as wide as it is high: the next name's colour, 20 before it, comes behind ten of them.
    let ((x, size), (next, _)) = (place(name), place("b"));
    assert!(next - 20.0 >= x + 10.0 * size, "{x} {next}");
    let (x, size) = place(&name.repeat(8));
    assert!(number(&document.root_element(), "width") >= x + 80.0 * size);
}

#[test]
fn comparing_counts_equal_notes_once() {
    let twice = note(0, 480, 60, 80);
    let input = score(vec![melody("", vec![twice, twice, note(480, 480, 62, 80)])]);
    let output = score(vec![
        melody("", vec![note(480, 480, 62, 80)]),
        melody("", vec![twice, note(480, 240, 62, 80)]),
    ]);
    let found = compare(&input, &output).unwrap();
    assert_eq!(found.kept, [(0, note(480, 480, 62, 80)), (1, twice)]);
    assert_eq!(found.added, [(1, note(480, 240, 62, 80))]);
    assert_eq!(found.removed, [(0, twice)]);
    // The same in other ticks.
    let fine = input.resample(TicksPerQuarter::new(960).unwrap()).unwrap();
    assert_eq!(compare(&fine, &output).unwrap(), found);

    let svg = PianoRollPicture::new(&output).compared_with(&input).to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    let count = |class| rects(&document, class).len();
    assert_eq!((count("kept"), count("added"), count("removed"), count("note")), (2, 1, 1, 4));
    assert!(rects(&document, "removed")[0].attribute("stroke-dasharray").is_some());
    assert!(texts(&document).iter().any(|w| w == "1 removed"));
}

#[test]
fn only_the_bars_asked_for_and_no_more_than_fit() {
    let tune = InputTrack::OdeToJoy.score();
    let meter = tune.meter_map();
    let (from, to) = (meter.bar(2).unwrap().start, meter.bar(5).unwrap().start);
    let inside = tune.tracks()[0].notes().iter().filter(|n| n.start < to && n.end() > from).count();
    let svg = PianoRollPicture::new(&tune).bars(2..5).to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    assert_eq!(rects(&document, "note").len(), inside);
    assert!(texts(&document).contains(&"3".to_owned()) && !texts(&document).contains(&"6".to_owned()));
    // A note at the end of time: 256 bars of it, and it says of how many.
    let last = Note { start: Tick::MAX, duration: Tick::ZERO, ..note(0, 1, 60, 80) };
    let far = score(vec![melody("", vec![note(0, 480, 60, 80), last])]);
    let svg = PianoRollPicture::new(&far).to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    assert_eq!(rects(&document, "note").len(), 1);
    // 2^28 − 1 ticks are 139 810 bars of 1920 ticks and a part of one more.
    assert!(texts(&document).contains(&"256 of 139811 bars".to_owned()), "{:?}", texts(&document));
    let (seven, three) = (7, 3);
    for bars in [5..5, seven..three, 0..usize::MAX, usize::MAX - 1..usize::MAX] {
        Document::parse(&PianoRollPicture::new(&tune).bars(bars).to_svg().unwrap()).unwrap();
    }
}

#[test]
fn nothing_is_a_picture_and_too_much_is_refused() {
    Document::parse(&PianoRollPicture::new(&Score::default()).title("Silence").to_svg().unwrap()).unwrap();
    let many = score(vec![melody("", vec![note(0, 1, 60, 80); PianoRollPicture::MAX_NOTES + 1])]);
    let error = PianoRollPicture::new(&many).to_svg().unwrap_err();
    assert!(matches!(error, PictureError::Limit { value: 200_001, limit: 200_000, .. }));
    // Very many tracks are not all named.
    let tracks = (0..500).map(|i| melody(&format!("part {i}"), vec![note(i, 10, 60, 80)])).collect();
    let svg = PianoRollPicture::new(&score(tracks)).to_svg().unwrap();
    assert!(texts(&Document::parse(&svg).unwrap()).contains(&"and 476 more".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roll.svg");
    PianoRollPicture::new(&Score::default()).write_svg(&path).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("</svg>\n"));
    let error =
        PianoRollPicture::new(&Score::default()).write_svg(folder.path().join("no/where.svg")).unwrap_err();
    assert!(matches!(error, PictureError::Io { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(feature = "png")]
#[test]
fn png_shows_what_the_svg_says() {
    use deepcompose_picture::png_of_svg;
    use resvg::tiny_skia::Pixmap;

    let music = score(vec![melody("", vec![note(0, 1920, 60, 127)])]);
    let roll = PianoRollPicture::new(&music);
    let svg = roll.to_svg().unwrap();
    let document = Document::parse(&svg).unwrap();
    let size = |name| number(&document.root_element(), name);
    let picture = Pixmap::decode_png(&roll.to_png(2.0).unwrap()).unwrap();
    assert_eq!(
        (f64::from(picture.width()), f64::from(picture.height())),
        (size("width") * 2.0, size("height") * 2.0)
    );
    // The middle of the note has its colour, a corner that of the ground.
    let rect = rects(&document, "note")[0];
    let middle = |at: &str, long: &str| ((number(&rect, at) + number(&rect, long) / 2.0) * 2.0) as u32;
    let color = |x, y| {
        let c = picture.pixel(x, y).unwrap();
        (c.red(), c.green(), c.blue())
    };
    assert_eq!(color(middle("x", "width"), middle("y", "height")), (0x2e, 0x6c, 0xb2));
    assert_eq!(color(0, 0), (255, 255, 255));
    // Words are drawn: there is ink where the legend's are.
    let inked = |p: &&resvg::tiny_skia::PremultipliedColorU8| p.red() < 0x60 && p.blue() < 0x60;
    assert!(picture.pixels().iter().filter(inked).count() > 50);
    assert_eq!(roll.to_png(1.0).unwrap(), roll.to_png(1.0).unwrap());
    assert!(matches!(roll.to_png(f32::NAN), Err(PictureError::OutOfRange { .. })));
    assert!(matches!(roll.to_png(8.5), Err(PictureError::OutOfRange { .. })));
    assert!(matches!(png_of_svg("<svg", 1.0), Err(PictureError::Svg { .. })));
    let huge = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100000\" height=\"100000\"/>";
    assert!(matches!(png_of_svg(huge, 1.0), Err(PictureError::Limit { .. })));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file.svg"), folder.path().join("link.svg"));
    let empty = Score::default();
    let picture = PianoRollPicture::new(&empty);
    std::fs::write(&file, "what was there").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    picture.write_svg(&link).unwrap();
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), picture.to_svg().unwrap());
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o440)).unwrap();
    let refused = picture.write_svg(&file);
    assert!(matches!(refused, Err(PictureError::Io { path, .. }) if path == file));
    // A link to nothing yet, by a path from its own folder.
    let (new, dangling) = (folder.path().join("new.svg"), folder.path().join("dangling.svg"));
    symlink("new.svg", &dangling).unwrap();
    picture.write_svg(&dangling).unwrap();
    assert!(dangling.is_symlink());
    assert_eq!(std::fs::read_to_string(&new).unwrap(), picture.to_svg().unwrap());
}
