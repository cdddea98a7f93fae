//! A studio to be asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, unreachable_pub)]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use deepcompose::Composer;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use studio::guard::Hosts;
use studio::server::{Studio, app};
use studio::sound::Sound;
use tower::ServiceExt;

pub fn new_studio() -> Arc<Studio> {
    static COMPOSER: OnceLock<Composer> = OnceLock::new();
    let composer = COMPOSER.get_or_init(|| Composer::builder().build().unwrap()).clone();
    Studio::new(composer, Sound::built_in())
}

pub fn router(studio: &Arc<Studio>) -> Router {
    app(Arc::clone(studio), Hosts::Loopback)
}

pub fn new_app() -> Router {
    router(&new_studio())
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("an answer in JSON")
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().expect("an error").to_owned()
    }
}

pub async fn ask(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    Answer { status, headers, bytes }
}

pub fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "127.0.0.1:8017")
}

pub async fn get(app: &Router, path: &str) -> Answer {
    ask(app, request("GET", path).body(Body::empty()).unwrap()).await
}

pub fn json_request(path: &str, body: &Value) -> Request<Body> {
    request("POST", path).header("content-type", "application/json").body(body.to_string().into()).unwrap()
}

pub async fn post(app: &Router, path: &str, body: &Value) -> Answer {
    ask(app, json_request(path, body)).await
}

pub async fn import(app: &Router, bytes: &[u8]) -> Answer {
    let request = request("POST", "/api/import").header("content-type", "audio/midi");
    ask(app, request.body(bytes.to_vec().into()).unwrap()).await
}

pub async fn ode_to_joy(app: &Router) -> Value {
    get(app, "/api/tracks/ode-to-joy").await.json()["score"].clone()
}

pub fn order(client: &str, seed: u64, score: &Value, technique: Value) -> Value {
    json!({ "client": client, "seed": seed, "score": score, "technique": technique })
}

/// A composition under way.
pub struct Events {
    body: Body,
    text: String,
}

impl Events {
    pub async fn of(app: &Router, order: &Value) -> Self {
        let response = app.clone().oneshot(json_request("/api/compose", order)).await.unwrap();
        let status = response.status();
        let mut body = response.into_body();
        if status != StatusCode::OK {
            let bytes = (&mut body).collect().await.unwrap().to_bytes();
            panic!("{status}: {}", String::from_utf8_lossy(&bytes));
        }
        Self { body, text: String::new() }
    }

    /// The next event's name and data; none at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| message.lines().find_map(|l| l.strip_prefix(name)).unwrap_or("").trim();
                let (event, data) = (field("event:").to_owned(), field("data:").to_owned());
                self.text = rest.to_owned();
                if !event.is_empty() {
                    return Some((event, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let frame =
                tokio::time::timeout(Duration::from_secs(120), self.body.frame()).await.expect("an event");
            let data = frame?.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// Waits for an event of this name; other events but `progress` may come before it.
    pub async fn wait_for(&mut self, name: &str) -> Value {
        while let Some((event, data)) = self.next().await {
            if event == name {
                return data;
            }
        }
        panic!("the stream ended without {name}");
    }

    /// All events up to the end.
    pub async fn rest(mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

/// Composes to the end.
pub async fn compose(app: &Router, order: &Value) -> Value {
    Events::of(app, order).await.wait_for("done").await
}
