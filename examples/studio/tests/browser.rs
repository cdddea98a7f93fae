//! The page in headless Chromium, by chromedriver. Skipped where there is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::time::Duration;

use browser::{Driver, LAPTOP, Looks, ONE, Page, serve};
use deepcompose::core::{InputTrack, Score};
use serde_json::json;

fn read(path: &std::path::Path) -> Score {
    deepcompose::midi::read_strict_bytes(&std::fs::read(path).unwrap()).unwrap()
}

/// Key, onset and length in ticks of every note, sorted, by a reader that knows nothing of ours: a note ends with the next
/// event of its key and channel that ends it.
fn plainly(path: &std::path::Path) -> Vec<(u8, u32, u32)> {
    use midly::{MidiMessage, TrackEventKind};
    let bytes = std::fs::read(path).unwrap();
    let file = midly::Smf::parse(&bytes).unwrap();
    let mut notes = Vec::new();
    for track in &file.tracks {
        let (mut now, mut held) = (0, std::collections::HashMap::new());
        for event in track {
            now += event.delta.as_int();
            let TrackEventKind::Midi { channel, message } = event.kind else { continue };
            let (key, velocity) = match message {
                MidiMessage::NoteOn { key, vel } => (key.as_int(), vel.as_int()),
                MidiMessage::NoteOff { key, .. } => (key.as_int(), 0),
                _ => continue,
            };
            if let Some(onset) = held.remove(&(channel, key)) {
                notes.push((key, onset, now - onset));
            }
            if velocity > 0 {
                held.insert((channel, key), now);
            }
        }
        assert!(held.is_empty());
    }
    notes.sort_unstable();
    notes
}

fn notes_of(score: &Score) -> Vec<(u8, u32, u32)> {
    let all = score.tracks().iter().flat_map(|track| track.notes());
    let mut notes: Vec<_> = all.map(|n| (n.pitch.get(), n.start.get(), n.duration.get())).collect();
    notes.sort_unstable();
    notes
}

async fn cards(page: &Page, count: usize) {
    page.wait_until(&format!("return document.querySelectorAll('.card').length === {count}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ode_to_joy_to_a_rock_band_edited_and_downloaded() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (_, address) = serve().await;
    let page = Page::open(&driver, address, LAPTOP).await;
    page.click("[data-slug=twinkle-twinkle]").await;
    page.click("[data-slug=ode-to-joy]").await;
    page.find("[data-slug=ode-to-joy][aria-pressed=true]").await;
    page.picture("laptop-input").await;
    // The roll shows 16 bars, and something is drawn on it.
    let bars = page.run("return import('/page/roll.js').then(roll => roll.revealed().bars.length)").await;
    assert_eq!(bars, json!(16));
    let colours = "const c = document.getElementById('roll'); const d = c.getContext('2d').getImageData(0, 40, c.width, c.height - 40).data;
        const seen = new Set(); for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
        return seen.has(0x5b4bdb)";
    page.wait_until(colours).await;
    page.click("#continue").await;

    let unsaved = "return import('/page/store.js').then(store => store.isUnsaved())";
    assert_eq!(page.run(unsaved).await, json!(false));
    page.click("#technique [data-value=transformer]").await;
    page.choose("#preset", "Short answer").await;
    page.fill("#seed", "4").await;
    page.click("#run").await;
    cards(&page, 2).await;
    assert_eq!(page.run(unsaved).await, json!(true));
    page.picture("laptop-extended").await;

    page.click("#technique [data-value=gan]").await;
    page.choose("[data-parameter=genre] select", "Rock").await;
    page.click("#run").await;
    cards(&page, 3).await;
    assert!(page.text(".card.on").await.contains("GAN rock"));
    page.run("document.querySelectorAll('.toast').forEach(t => t.remove())").await;
    page.picture("laptop-band").await;
    // The chords over the roll: of two bars of 4/4, 480 ticks a beat, one of 3/4, one of 6/8, whose second half begins after
    // two quarters in classical music, and one of 3/2, which is cut in two.
    let bars = "[[0, 1920, 480], [1920, 1920, 480], [3840, 1440, 480], [5280, 1440, 240], [6720, 2880, 960]]\
                .map(([start, length, beat]) => ({ start, length, beat }))";
    for (classical, second) in [(false, "6000 Dm"), (true, "6240 Dm")] {
        let chords = page
            .run(&format!(
                "return import('/page/music.js').then(m => m.chordsOf('D G | G | C F | A Dm | E B | E', {bars}, 480, {classical})\
                 .map(c => `${{c.tick}} ${{c.name}}`))"
            ))
            .await;
        let expected = ["0 D", "960 G", "3840 C", "4800 F", "5280 A", second, "6720 E", "8160 B"];
        assert_eq!(chords, json!(expected));
    }
    let before = read(&page.download("#download-midi", ".mid").await);
    let names: Vec<&str> = before.tracks().iter().map(|track| track.name()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let melody = InputTrack::OdeToJoy.score();
    let (whole, given) = (before.tracks()[0].notes(), melody.tracks()[0].notes());
    assert_eq!(&whole[..given.len()], given);
    assert!(whole.len() > given.len());

    // The first note of the melody, a third up and an eighth longer, by keys alone.
    page.click("#edit").await;
    let roll = page.find("#roll").await;
    roll.send_keys("n").await.unwrap();
    for _ in 0..4 {
        roll.send_keys("\u{e013}").await.unwrap(); // arrow up
    }
    for _ in 0..2 {
        roll.send_keys("\u{e008}\u{e014}").await.unwrap(); // shift and arrow right
    }
    page.picture("laptop-edit").await;
    let after = read(&page.download("#download-midi", ".mid").await);
    let (old, new) = (whole[0], after.tracks()[0].notes()[0]);
    assert_eq!(new.pitch.get(), old.pitch.get() + 4);
    assert_eq!(new.duration.get(), old.duration.get() + 240);
    assert_eq!(after.tracks()[0].notes()[1..], whole[1..]);
    assert_eq!(plainly(&page.download("#download-midi", ".mid").await), notes_of(&after));
    assert_eq!(after.tracks()[1..], before.tracks()[1..]);

    // Six steps back, and forth.
    for _ in 0..6 {
        page.click("#undo").await;
    }
    assert_eq!(read(&page.download("#download-midi", ".mid").await).tracks(), before.tracks());
    for _ in 0..6 {
        page.click("#redo").await;
    }
    assert_eq!(read(&page.download("#download-midi", ".mid").await).tracks(), after.tracks());

    let bytes = std::fs::read(page.download("#download-wav", ".wav").await).unwrap();
    let sound = hound::WavReader::new(bytes.as_slice()).unwrap();
    let seconds = f64::from(sound.duration()) / 44_100.0;
    assert!((after.duration_seconds()..after.duration_seconds() + 10.0).contains(&seconds), "{seconds} s");
    assert!(sound.into_samples::<i16>().any(|s| s.unwrap().unsigned_abs() > 3000));

    // The session, saved and opened in another page.
    let session = page.download("#session-save", ".json").await;
    assert_eq!(page.run(unsaved).await, json!(false));
    let other = Page::open(&driver, address, LAPTOP).await;
    other.upload("#session-open", &session).await;
    cards(&other, 3).await;
    assert_eq!(read(&other.download("#download-midi", ".mid").await).tracks(), after.tracks());
    other.close().await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_is_played_with_a_cursor_and_a_mixer() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (_, address) = serve().await;
    let page = Page::open(&driver, address, LAPTOP).await;
    page.click("#play").await;
    page.find("#play[aria-label=Pause]").await;
    page.wait_until("return document.getElementById('time').textContent >= '0:02'").await;
    page.click("[data-track='0'] .mute").await;
    page.find("[data-track='0'] .mute[aria-pressed=true]").await;
    // What is muted is not in the WAV.
    let bytes = std::fs::read(page.download("#download-wav", ".wav").await).unwrap();
    let mut sound = hound::WavReader::new(bytes.as_slice()).unwrap();
    assert!(sound.samples::<i16>().all(|s| s.unwrap() == 0));
    page.click("#play").await;
    page.find("#play[aria-label=Play]").await;
    // Another instrument is in the MIDI file, and its choice has the focus still, though the mixer was drawn anew.
    page.run("document.querySelector(\"[data-track='0'] select\").focus()").await;
    page.choose("[data-track='0'] select", "Vibraphone").await;
    page.wait_until("const at = document.activeElement; return at.tagName === 'SELECT' && at.closest('[data-track]').dataset.track === '0'").await;
    let score = read(&page.download("#download-midi", ".mid").await);
    assert_eq!(score.tracks()[0].program().get(), 11);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_imported_and_broken_ones_explained() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (_, address) = serve().await;
    let page = Page::open(&driver, address, LAPTOP).await;
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken <b>file.mid");
    std::fs::write(&broken, b"MThd, but no music").unwrap();
    page.click("#input [data-value=import]").await;
    page.upload("#import-file", &broken).await;
    let message = page.text("#import-error").await;
    assert!(message.contains("broken <b>file.mid cannot be used: malformed MIDI file"), "{message}");
    cards(&page, 1).await;
    page.picture("laptop-broken").await;

    let mut score = InputTrack::Greensleeves.score();
    let mut high = score.tracks()[0].clone();
    high.set_name("<img src=x>");
    score.push_track(high);
    let two = folder.path().join("two.mid");
    deepcompose::midi::write(&two, &score).unwrap();
    page.upload("#import-file", &two).await;
    page.click(".choices input[value='1']").await;
    page.picture("laptop-import").await;
    page.click("#use-track").await;
    page.wait_until("return document.querySelector('.card.on').textContent.startsWith('two')").await;
    let used = read(&page.download("#download-midi", ".mid").await);
    assert_eq!(used.tracks().len(), 1);
    assert_eq!(used.tracks()[0].name(), "<img src=x>");
    let works_on = "return document.querySelector('[data-parameter=track] select').value";
    assert_eq!(page.run(works_on).await, json!("melody"));
    // All of its tracks, of which the second is worked on.
    page.click("#use-all").await;
    page.wait_until(&format!("{works_on} === 'index:1'")).await;
    page.click("#input [data-value=choose]").await;
    page.click("[data-slug=ode-to-joy]").await;
    page.wait_until(&format!("{works_on} === 'melody'")).await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_and_a_wrong_parameter_named() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (studio, address) = serve().await;
    let page = Page::open(&driver, address, LAPTOP).await;
    page.click("#continue").await;
    page.fill("[data-parameter=creative_risk] input[type=number]", "0").await;
    page.click("#run").await;
    page.wait_until("return document.querySelector('[data-parameter=creative_risk] .error').textContent.includes('above 0')").await;
    page.choose("#preset", "Default").await;
    page.fill("[data-parameter=sampling_iterations] input[type=number]", "100000").await;
    page.click("#run").await;
    page.wait_until("return document.getElementById('progress-bar').value >= 8").await;
    page.picture("laptop-progress").await;
    page.click("#stop").await;
    cards(&page, 2).await;
    page.wait_until("return document.getElementById('toasts').textContent.includes('Stopped')").await;

    // Left in mid-run: the work ends.
    page.click("#run-again").await;
    page.wait_until("return !document.getElementById('progress').hidden && document.getElementById('progress-bar').value >= 1").await;
    assert_eq!(studio.queue.len(), 1);
    page.client.goto("about:blank").await.unwrap();
    let begun = std::time::Instant::now();
    while !studio.queue.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    page.client.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_compose_at_once() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (_, address) = serve().await;
    let one = Page::open(&driver, address, LAPTOP).await;
    let two = Page::open(&driver, address, LAPTOP).await;
    one.click("#continue").await;
    one.fill("[data-parameter=sampling_iterations] input[type=number]", "100000").await;
    one.click("#run").await;
    one.wait_until("return document.getElementById('progress-bar').value >= 1").await;
    two.click("#continue").await;
    two.click("#technique [data-value=gan]").await;
    two.click("#run").await;
    cards(&two, 2).await;
    // The first still works.
    assert_eq!(one.run("return document.getElementById('progress').hidden").await, json!(false));
    one.click("#stop").await;
    cards(&one, 2).await;
    two.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_melody_is_recorded() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (_, address) = serve().await;
    let page = Page::open(&driver, address, LAPTOP).await;
    page.click("#input [data-value=record]").await;
    page.fill("#record-tempo", "240").await;
    page.picture("laptop-record").await;
    page.click("#record").await;
    page.wait_until("return document.querySelector('[role=timer]').textContent.startsWith('Bar 1')").await;
    for key in ["a", "d", "g"] {
        // Held for a quarter note: 250 ms.
        for kind in ["keydown", "keyup"] {
            page.run(&format!(
                "document.body.dispatchEvent(new KeyboardEvent('{kind}', {{ key: '{key}', bubbles: true }}))"
            ))
            .await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    page.click("#record").await;
    page.wait_until("return document.querySelector('.card.on').textContent.startsWith('Recording')").await;
    let score = read(&page.download("#download-midi", ".mid").await);
    let pitches: Vec<u8> = score.tracks()[0].notes().iter().map(|n| n.pitch.get()).collect();
    assert_eq!(pitches, [60, 64, 67]);
    page.close().await;
}

/// Pictures of the page on a phone and in the dark; that nothing is wider than the screen.
#[tokio::test(flavor = "multi_thread")]
async fn it_fits_a_phone_and_the_dark() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (_, address) = serve().await;
    for (name, looks) in [
        ("phone", Looks { width: 390, height: 844, phone: true, dark: false }),
        ("phone-dark", Looks { width: 390, height: 844, phone: true, dark: true }),
        ("dark", Looks { dark: true, ..LAPTOP }),
    ] {
        let page = Page::open(&driver, address, looks).await;
        let fits = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(page.run(fits).await, json!(true), "{name}: input");
        page.picture(&format!("{name}-input")).await;
        page.click("#input [data-value=record]").await;
        assert_eq!(page.run(fits).await, json!(true), "{name}: record");
        page.picture(&format!("{name}-record")).await;
        page.click("#tab-technique").await;
        page.click("#technique [data-value=transformer]").await;
        page.choose("#preset", "Short answer").await;
        assert_eq!(page.run(fits).await, json!(true), "{name}: technique");
        page.picture(&format!("{name}-technique")).await;
        page.click("#run").await;
        cards(&page, 2).await;
        page.run("document.querySelectorAll('.toast').forEach(t => t.remove())").await;
        if looks.phone {
            page.click("#tab-technique").await;
        }
        page.click("#technique [data-value=gan]").await;
        page.click("#run").await;
        cards(&page, 3).await;
        page.run("document.querySelectorAll('.toast').forEach(t => t.remove())").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(page.run(fits).await, json!(true), "{name}: output");
        page.picture(&format!("{name}-output")).await;
        page.close().await;
    }
}

/// Every control has a name, every label a control, every id one element.
#[tokio::test(flavor = "multi_thread")]
async fn controls_have_names() {
    let _one = ONE.lock().await;
    let Some(driver) = Driver::start() else { return };
    let (_, address) = serve().await;
    let page = Page::open(&driver, address, LAPTOP).await;
    for technique in ["ar-cnn", "gan", "transformer"] {
        page.run(&format!("document.querySelector('#technique [data-value={technique}]').click()")).await;
        let unnamed = page
            .run(
                "const named = e => (e.getAttribute('aria-label') || e.textContent.trim() || e.title
                    || [...(e.labels ?? [])].some(l => l.textContent.trim()));
                 const controls = [...document.querySelectorAll('button, input:not([type=hidden]), select, canvas, progress')];
                 const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
                 return [...controls.filter(e => e.tagName === 'INPUT' || e.tagName === 'SELECT'
                        ? !(e.getAttribute('aria-label') || [...e.labels].some(l => l.textContent.trim()))
                        : !named(e)).map(e => e.outerHTML.slice(0, 120)),
                    ...ids.filter((id, i) => ids.indexOf(id) !== i),
                    ...[...document.querySelectorAll('label[for]')].filter(l => !document.getElementById(l.htmlFor)).map(l => l.outerHTML)];",
            )
            .await;
        assert_eq!(unnamed, json!([]), "{technique}");
    }
    page.close().await;
}
