//! The page's files, embedded in the binary. A path is looked up in a list of names, never on the disk.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal: $kind:expr),* $(,)?) => {
        &[$(($name, $kind, include_str!(concat!("../page/", $name)))),*]
    };
}

/// Name, content type and text.
const FILES: &[(&str, &str, &str)] = files![
    "index.html": HTML,
    "style.css": STYLE,
    "panels.css": STYLE,
    "icon.svg": PICTURE,
    "api.js": SCRIPT,
    "dom.js": SCRIPT,
    "edit.js": SCRIPT,
    "files.js": SCRIPT,
    "input.js": SCRIPT,
    "keyboard.js": SCRIPT,
    "main.js": SCRIPT,
    "mixer.js": SCRIPT,
    "music.js": SCRIPT,
    "player.js": SCRIPT,
    "record.js": SCRIPT,
    "results.js": SCRIPT,
    "roll.js": SCRIPT,
    "store.js": SCRIPT,
    "technique.js": SCRIPT,
    "transport.js": SCRIPT,
];

/// The page itself.
pub async fn index() -> Response {
    file("index.html")
}

/// A file of the page.
pub async fn asset(Path(name): Path<String>) -> Response {
    file(&name)
}

fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such file").into_response(),
    }
}
