//! One composition at a time for a client, the others in a queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use tokio::sync::{Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::reply::Refusal;

/// Most compositions of one client, running and waiting. Each holds a connection, of which a browser has six for a server, and one is
/// needed to stop them.
pub const MOST_FOR_A_CLIENT: usize = 4;

/// Most compositions of all clients.
pub const MOST: usize = 64;

/// Compositions that run at once, each on all cores.
const AT_ONCE: usize = 2;

/// Who is composing, and who waits.
#[derive(Debug)]
pub struct Queue {
    jobs: Mutex<Jobs>,
    next: AtomicU64,
    cores: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Jobs {
    stops: HashMap<(String, u64), Arc<Stop>>,
    turns: HashMap<String, Arc<tokio::sync::Mutex<()>>>,
}

/// A request to stop.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    told: Notify,
}

impl Stop {
    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        self.told.notified().await;
    }

    fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.told.notify_one();
    }
}

impl Queue {
    /// A queue with nobody in it.
    #[must_use]
    pub fn new() -> Self {
        Self { jobs: Mutex::default(), next: AtomicU64::new(1), cores: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the queue of a client.
    ///
    /// # Errors
    ///
    /// [`Refusal`] for an unusable name, and where too many wait already.
    pub fn join(self: &Arc<Self>, client: &str) -> Result<Place, Refusal> {
        let usable = (1..=64).contains(&client.len()) && client.bytes().all(|b| b.is_ascii_alphanumeric());
        if !usable {
            return Err(Refusal::unprocessable("a client's name is 1 to 64 letters and digits"));
        }
        let mut jobs = self.jobs();
        let ahead = jobs.stops.keys().filter(|(of, _)| of == client).count();
        let waiting = jobs.stops.len();
        if ahead >= MOST_FOR_A_CLIENT || waiting >= MOST {
            let message = "too many compositions are waiting already: stop one, or wait for one to end";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let stop = Arc::new(Stop::default());
        jobs.stops.insert((client.to_owned(), id), Arc::clone(&stop));
        let turn = Arc::clone(jobs.turns.entry(client.to_owned()).or_default());
        Ok(Place { queue: Arc::clone(self), client: client.to_owned(), id, ahead, stop, turn })
    }

    /// Asks a composition of a client to stop; whether there is one.
    pub fn stop(&self, client: &str, id: u64) -> bool {
        let stop = self.jobs().stops.get(&(client.to_owned(), id)).cloned();
        stop.inspect(|stop| stop.ask()).is_some()
    }

    /// How many run and wait.
    pub fn len(&self) -> usize {
        self.jobs().stops.len()
    }

    /// Whether nobody composes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

/// A place in the queue, given up when dropped.
#[derive(Debug)]
pub struct Place {
    queue: Arc<Queue>,
    client: String,
    /// The composition's number.
    pub id: u64,
    /// How many of the same client are before it.
    pub ahead: usize,
    /// Says when to stop.
    pub stop: Arc<Stop>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The right to compose, until dropped.
#[derive(Debug)]
pub struct Turn {
    _client: OwnedMutexGuard<()>,
    _cores: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Waits for the client's earlier compositions, and for cores.
    pub async fn turn(&self) -> Turn {
        let client = Arc::clone(&self.turn).lock_owned().await;
        // The semaphore is never closed.
        let cores = Arc::clone(&self.queue.cores).acquire_owned().await.ok();
        Turn { _client: client, _cores: cores }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut jobs = self.queue.jobs();
        jobs.stops.remove(&(self.client.clone(), self.id));
        if !jobs.stops.keys().any(|(of, _)| *of == self.client) {
            jobs.turns.remove(&self.client);
        }
    }
}
