//! What the server refuses, and compositions that wait, stop and are left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use deepcompose::core::InputTrack;
use serde_json::{Value, json};
use studio::limits::SCORE_BODY;
use studio::queue::MOST_FOR_A_CLIENT;
use studio::server::Studio;
use support::{Events, ask, get, import, new_app, new_studio, ode_to_joy, order, post, request, router};

/// One that would take many minutes.
fn endless() -> Value {
    json!({ "technique": "ar-cnn", "sampling_iterations": 100_000 })
}

#[tokio::test]
async fn other_hosts_and_other_sites_are_refused() {
    let app = new_app();
    let with = |headers: &[(&str, &str)]| {
        let mut request = axum::http::Request::builder().uri("/api/studio");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    };
    let own = ("host", "127.0.0.1:8017");
    let accepted: [&[(&str, &str)]; 4] = [
        &[own],
        &[("host", "localhost:8017")],
        &[own, ("origin", "http://127.0.0.1:8017")],
        &[own, ("sec-fetch-site", "same-origin")],
    ];
    for headers in accepted {
        assert_eq!(ask(&app, with(headers)).await.status, 200, "{headers:?}");
    }
    let refused: [&[(&str, &str)]; 8] = [
        &[],
        &[("host", "studio.example:8017")],
        &[("host", "192.168.0.2:8017")],
        &[own, ("origin", "http://evil.example")],
        &[own, ("origin", "https://127.0.0.1:8017")],
        &[own, ("origin", "http://127.0.0.1:9000")],
        &[own, ("origin", "null")],
        &[own, ("sec-fetch-site", "cross-site")],
    ];
    for headers in refused {
        let answer = ask(&app, with(headers)).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.headers.contains_key("content-security-policy"));
    }
}

#[tokio::test]
async fn the_page_is_all_there_and_keeps_to_itself() {
    let app = new_app();
    let page = get(&app, "/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{part}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    // Every file that the page or a script names is served; none is from elsewhere.
    let mut waiting = vec!["/".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = get(&app, &path).await;
        assert_eq!(answer.status, 200, "{path}");
        let text = String::from_utf8(answer.bytes).unwrap();
        let without_svg = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !without_svg.contains("http://") && !without_svg.contains("https://"),
            "{path} names another site"
        );
        assert!(
            !text.contains(" style=\"") && !text.contains("onclick="),
            "{path} has what the policy forbids"
        );
        let quoted = text.split(['"', '\'']);
        waiting.extend(quoted.clone().filter(|q| q.starts_with("/page/")).map(str::to_owned));
        let modules = quoted.filter_map(|q| q.strip_prefix("./")).filter(|q| q.ends_with(".js"));
        waiting.extend(modules.map(|name| format!("/page/{name}")));
    }
    assert!(seen.len() > 15, "{seen:?}");
}

#[tokio::test]
async fn no_path_of_a_request_is_opened() {
    let app = new_app();
    for path in [
        "/page/main.rs",
        "/page/..%2f..%2fCargo.toml",
        "/page/%2fetc%2fpasswd",
        "/page/../Cargo.toml",
        "/etc/passwd",
        "/api/tracks/..%2f..%2fCargo.toml",
        "/api/tracks/none",
    ] {
        assert_eq!(get(&app, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn broken_files_are_explained() {
    let app = new_app();
    let good = deepcompose::midi::to_bytes(&InputTrack::OdeToJoy.score()).unwrap();
    let silent = b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk\0\0\0\x04\0\xff\x2f\0";
    for (bytes, message) in [
        (&b""[..], "malformed MIDI file"),
        (b"not music", "malformed MIDI file"),
        (silent, "the file has no notes"),
    ] {
        let refused = import(&app, bytes).await;
        assert_eq!(refused.status, 422);
        assert!(refused.error().contains(message), "{}", refused.error());
    }
    // Cut short: what is there is read, and said to be damaged.
    let cut = import(&app, &good[..good.len() / 2]).await.json();
    assert_eq!(cut["damaged"], true);
    assert!(cut["report"].as_str().is_some_and(|report| !report.is_empty()));
    assert!(!cut["score"]["tracks"][0]["notes"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn limits_hold() {
    let app = new_app();
    let large = import(&app, &vec![0; (8 << 20) + 1]).await;
    assert!(large.error().contains("over the limit"), "{}", large.error());
    let larger = import(&app, &vec![0; SCORE_BODY + 1]).await;
    assert_eq!(larger.status, 413);

    let melody = ode_to_joy(&app).await;
    let mut many = melody.clone();
    let note = melody["tracks"][0]["notes"][0].clone();
    many["tracks"][0]["notes"] = json!(vec![&note; 50_001]);
    let refused = post(&app, "/api/compose", &order("a", 1, &many, json!({ "technique": "gan" }))).await;
    assert!(refused.error().contains("50001 notes: at most 50000"), "{}", refused.error());
    // What was made of a score within the limits may be past them, and is still heard and kept.
    assert_eq!(post(&app, "/api/midi", &json!({ "score": many })).await.status, 200);
    many["tracks"][0]["notes"] = json!(vec![&note; 100_001]);
    for path in ["/api/midi", "/api/audio"] {
        let refused = post(&app, path, &json!({ "score": many })).await;
        assert_eq!(refused.status, 422);
        assert!(refused.error().contains("100001 notes: at most 100000"), "{}", refused.error());
    }

    let mut long = melody.clone();
    // 20 minutes at 120 quarters of 480 ticks a minute.
    long["tempo_map"][0]["value"] = json!(500_000);
    long["tracks"][0]["notes"][0]["duration"] = json!(20 * 60 * 960);
    let refused = post(&app, "/api/audio", &json!({ "score": long })).await;
    assert!(refused.error().contains("900 s at most"), "{}", refused.error());
    long["tracks"][0]["notes"][0]["duration"] = json!(61 * 60 * 960);
    let refused = post(&app, "/api/midi", &json!({ "score": long })).await;
    assert!(refused.error().contains("at most 3600"), "{}", refused.error());
    // A bar a tick, and a microsecond: seconds say nothing of them.
    let mut bars = melody.clone();
    bars["ticks_per_quarter"] = json!(1);
    bars["tempo_map"] = json!([{ "tick": 0, "value": 1 }]);
    bars["tracks"][0]["notes"][0]["duration"] = json!(1_000_000);
    let refused = post(&app, "/api/measure", &json!({ "scores": [bars] })).await;
    assert!(refused.error().contains("over 100000 bars"), "{}", refused.error());
    let gain = post(&app, "/api/audio", &json!({ "score": melody, "gains": [3.0] })).await;
    assert!(gain.error().contains("0 to 2"));
}

#[tokio::test]
async fn parameters_are_refused_by_the_library_s_rules() {
    let app = new_app();
    let melody = ode_to_joy(&app).await;
    for (technique, field) in [
        (json!({ "technique": "ar-cnn", "creative_risk": 0.0 }), "creative_risk"),
        (json!({ "technique": "transformer", "track_extension_duration": 31.0 }), "track_extension_duration"),
        (json!({ "technique": "gan", "variation": 2.0 }), "variation"),
    ] {
        let refused = post(&app, "/api/compose", &order("a", 1, &melody, technique)).await;
        assert_eq!(refused.status, 422);
        assert_eq!(refused.json()["field"], field);
    }
    for technique in [json!({ "technique": "vae" }), json!({ "technique": "gan", "genre": "polka" })] {
        let refused = post(&app, "/api/compose", &order("a", 1, &melody, technique)).await;
        assert!(refused.error().contains("not understood"));
    }
    // A drum track, an index that is not there: known only when the work begins.
    let track = json!({ "technique": "ar-cnn", "track": { "index": 9 } });
    let failed = Events::of(&app, &order("a", 1, &melody, track)).await.wait_for("failed").await;
    assert!(failed["error"].as_str().unwrap().contains('9'), "{failed}");
    let name = post(&app, "/api/compose", &order("../a", 1, &melody, json!({ "technique": "gan" }))).await;
    assert!(name.error().contains("letters and digits"));
}

#[tokio::test]
async fn other_sites_cannot_send_what_needs_no_question() {
    let app = new_app();
    let plain =
        request("POST", "/api/compose").header("content-type", "text/plain").body("{}".into()).unwrap();
    assert_eq!(ask(&app, plain).await.status, 415);
    let none = request("POST", "/api/import").body("MThd".into()).unwrap();
    assert_eq!(ask(&app, none).await.status, 415);
}

#[tokio::test]
async fn a_composition_is_stopped_with_what_there_is() {
    let studio = new_studio();
    let app = router(&studio);
    let melody = ode_to_joy(&app).await;
    let mut events = Events::of(&app, &order("abc", 1, &melody, endless())).await;
    let job = events.wait_for("queued").await["job"].as_u64().unwrap();
    for _ in 0..3 {
        events.wait_for("progress").await;
    }
    // Another client cannot stop it.
    let other = post(&app, "/api/stop", &json!({ "client": "abd", "job": job })).await;
    assert_eq!(other.status, 404);
    assert_eq!(post(&app, "/api/stop", &json!({ "client": "abc", "job": job })).await.status, 200);
    let done = events.wait_for("done").await;
    assert_eq!(done["summary"]["stop"], "stopped");
    assert!(
        done["summary"]["cells_added"].as_u64().unwrap() + done["summary"]["cells_removed"].as_u64().unwrap()
            > 0
    );
    assert!(events.next().await.is_none());
    is_soon_empty(&studio).await;
}

async fn is_soon_empty(studio: &Arc<Studio>) {
    let begun = Instant::now();
    while !studio.queue.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} compositions still run", studio.queue.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_composition_ends_when_the_page_goes_away() {
    let studio = new_studio();
    let app = router(&studio);
    let melody = ode_to_joy(&app).await;
    let mut running = Events::of(&app, &order("abc", 1, &melody, endless())).await;
    running.wait_for("progress").await;
    let waiting = Events::of(&app, &order("abc", 1, &melody, endless())).await;
    assert_eq!(studio.queue.len(), 2);
    drop(waiting);
    drop(running);
    is_soon_empty(&studio).await;
}

#[tokio::test]
async fn a_closed_connection_ends_a_composition_too() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let studio = new_studio();
    let app = router(&studio);
    let melody = ode_to_joy(&app).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let body = order("abc", 1, &melody, endless()).to_string();
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/compose HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while !seen.contains("event: progress") {
        let read = connection.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert_eq!(studio.queue.len(), 1);
    drop(connection);
    is_soon_empty(&studio).await;
}

#[tokio::test]
async fn one_composition_at_a_time_for_a_client_and_two_clients_at_once() {
    let studio = new_studio();
    let app = router(&studio);
    let melody = ode_to_joy(&app).await;
    let mut first = Events::of(&app, &order("one", 1, &melody, endless())).await;
    let first_job = first.wait_for("queued").await["job"].clone();
    first.wait_for("progress").await;
    let mut second = Events::of(&app, &order("one", 1, &melody, json!({ "technique": "gan" }))).await;
    assert_eq!(second.wait_for("queued").await["ahead"], 1);
    // The other client is done while the first one's work goes on, and the second waits for that.
    let mut other = Events::of(&app, &order("two", 1, &melody, json!({ "technique": "gan" }))).await;
    assert_eq!(other.wait_for("queued").await["ahead"], 0);
    other.wait_for("done").await;
    first.wait_for("progress").await;
    let waits = tokio::time::timeout(Duration::from_millis(300), second.next()).await;
    assert!(waits.is_err(), "{waits:?}");
    post(&app, "/api/stop", &json!({ "client": "one", "job": first_job })).await;
    first.wait_for("done").await;
    second.wait_for("started").await;
    second.wait_for("done").await;
}

#[tokio::test]
async fn a_waiting_composition_can_be_stopped_and_few_may_wait() {
    let studio = new_studio();
    let app = router(&studio);
    let melody = ode_to_joy(&app).await;
    let mut all = Vec::new();
    for _ in 0..MOST_FOR_A_CLIENT {
        all.push(Events::of(&app, &order("one", 1, &melody, endless())).await);
    }
    let refused = post(&app, "/api/compose", &order("one", 1, &melody, endless())).await;
    assert_eq!(refused.status, 429);
    let last = all.last_mut().unwrap();
    let job = last.wait_for("queued").await["job"].clone();
    post(&app, "/api/stop", &json!({ "client": "one", "job": job })).await;
    last.wait_for("stopped").await;
    drop(all);
    is_soon_empty(&studio).await;
}
