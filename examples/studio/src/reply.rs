//! Requests read as JSON, and refusals written as JSON.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use deepcompose::ComposeError;
use deepcompose::samplers::SamplerError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a request is refused, in words for the page.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    /// What is wrong, in one sentence.
    pub error: String,
    /// The parameter it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Refusal {
    /// A refusal with a status.
    #[must_use]
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), field: None }
    }

    /// The request is understood, and what it asks for cannot be done.
    #[must_use]
    pub fn unprocessable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// Something that should not happen.
    #[must_use]
    pub fn internal(error: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<ComposeError> for Refusal {
    fn from(error: ComposeError) -> Self {
        let field = match &error {
            ComposeError::Parameter(wrong) => Some(wrong.field),
            ComposeError::Sampler(SamplerError::OutOfRange { field, .. }) => Some(*field),
            _ => None,
        };
        // Samplers name the fields in words.
        let field = field.map(|field| field.replace(' ', "_"));
        Self { field, ..Self::unprocessable(error.to_string()) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

/// A JSON body of a known type.
///
/// The content type must be JSON: a page of another origin cannot send that without being asked first.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        content_type(&request, "application/json")?;
        let bytes = bytes(request, state).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|e| Refusal::unprocessable(format!("the request is not understood: {e}")))
    }
}

/// The bytes of a MIDI file.
#[derive(Debug, Clone)]
pub struct MidiBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for MidiBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        content_type(&request, "audio/midi")?;
        bytes(request, state).await.map(Self)
    }
}

fn content_type(request: &Request, wanted: &str) -> Result<(), Refusal> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let given = given.split(';').next().unwrap_or("").trim();
    if given.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    let message = format!("the content type is {given:?}: {wanted} is accepted");
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Refusal> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let status = rejection.status();
        let message = if status == StatusCode::PAYLOAD_TOO_LARGE {
            "the file is larger than the studio accepts".to_owned()
        } else {
            rejection.body_text()
        };
        Refusal::new(status, message)
    })
}
