//! Calls at several servers at the same time, whatever becomes of the servers meanwhile.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Tenant, chat};

/// Callers at the same time.
const CALLERS: usize = 16;

/// Addresses that change while they are used.
#[derive(Clone, Default)]
pub struct Addrs(Arc<RwLock<Vec<SocketAddr>>>);

impl Addrs {
    pub fn set(&self, addrs: Vec<SocketAddr>) {
        *self.0.write().unwrap() = addrs;
    }

    /// The one whose turn it is.
    fn at(&self, turn: usize) -> Option<SocketAddr> {
        let addrs = self.0.read().unwrap();
        addrs.get(turn % addrs.len().max(1)).copied()
    }
}

/// What a call asks for.
#[derive(Clone)]
pub enum Ask {
    /// This text, from the built-in provider.
    Echo(String),
    /// Of the provider at this URL.
    Json(String),
    Stream(String),
}

/// What a caller saw of an answer.
pub enum Heard {
    /// All of it. `quota`: how the month stands, where the server knew.
    Whole { id: String, quota: Option<String> },
    /// Not its end, or nothing: the server is gone.
    Cut,
    /// The server does not know the caller yet and cannot ask the database.
    Refused,
}

/// Calls under way: how far they are.
pub struct Progress {
    done: watch::Receiver<usize>,
    work: Arc<Work>,
}

impl Progress {
    /// Waits until so many calls are answered.
    pub async fn reached(&mut self, calls: usize) {
        super::soon(self.done.wait_for(|done| *done >= calls), "calls go on").await.unwrap();
    }

    /// Waits until so many more are, or all that are let in; gives how many are now.
    pub async fn more(&mut self, calls: usize) -> usize {
        let (now, let_in) = (*self.done.borrow(), *self.work.let_in.borrow());
        self.reached(self.work.calls.min(let_in).min(now + calls)).await;
        *self.done.borrow()
    }

    /// Calls past this many wait until there is more to be let in.
    pub fn let_in(&self, calls: usize) {
        self.work.let_in.send_replace(calls);
    }

    /// No more calls begin.
    pub fn finish(&self) {
        self.work.is_over.store(true, Ordering::SeqCst);
        self.let_in(usize::MAX);
    }
}

/// What came of calls.
#[derive(Default)]
pub struct Answered {
    /// The ids of the logs of those that were answered whole.
    pub ids: Vec<String>,
    /// How many were cut, as their server was killed.
    pub cut: usize,
    /// How many were refused.
    pub refused: usize,
}

/// Asks echo at the servers in turn, many at the same time, until `calls` of them are answered. They begin at once.
pub fn load(
    addrs: &[SocketAddr],
    tenant: &Tenant,
    calls: usize,
) -> (Progress, impl Future<Output = Answered> + use<>) {
    let fixed = Addrs::default();
    fixed.set(addrs.to_owned());
    let (progress, all) = load_of(&fixed, tenant, calls, vec![Ask::Echo("hi".to_owned())]);
    let none_refused = async {
        let answered = all.await;
        assert_eq!(answered.refused, 0);
        answered
    };
    (progress, none_refused)
}

/// The same at servers that come and go, asking for each of `asks` in turn; also over with [`Progress::finish`].
pub fn load_of(
    addrs: &Addrs,
    tenant: &Tenant,
    calls: usize,
    asks: Vec<Ask>,
) -> (Progress, impl Future<Output = Answered> + use<>) {
    let (done, progress) = watch::channel(0);
    let work = Arc::new(Work {
        addrs: addrs.clone(),
        key: tenant.key.clone(),
        asks,
        calls,
        next: AtomicUsize::new(0),
        let_in: watch::Sender::new(usize::MAX),
        is_over: AtomicBool::new(false),
        done,
    });
    let callers: JoinSet<Answered> = (0..CALLERS).map(|_| caller(Arc::clone(&work))).collect();
    let all = async {
        callers.join_all().await.into_iter().fold(Answered::default(), |mut all, answered| {
            all.ids.extend(answered.ids);
            all.cut += answered.cut;
            all.refused += answered.refused;
            all
        })
    };
    (Progress { done: progress, work }, all)
}

/// What callers share.
struct Work {
    addrs: Addrs,
    key: String,
    asks: Vec<Ask>,
    calls: usize,
    next: AtomicUsize,
    let_in: watch::Sender<usize>,
    is_over: AtomicBool,
    done: watch::Sender<usize>,
}

async fn caller(work: Arc<Work>) -> Answered {
    let http = reqwest::Client::new();
    let mut answered = Answered::default();
    let mut let_in = work.let_in.subscribe();
    loop {
        let turn = work.next.fetch_add(1, Ordering::SeqCst);
        let_in.wait_for(|calls| turn < *calls).await.unwrap();
        if turn >= work.calls || work.is_over.load(Ordering::SeqCst) {
            return answered;
        }
        let wanted = &work.asks[turn % work.asks.len()];
        // Where one is gone, another is asked.
        let mut at = turn / work.asks.len();
        let id = loop {
            let heard = match work.addrs.at(at) {
                Some(addr) => ask(&http, addr, &work.key, wanted).await,
                None => Heard::Cut,
            };
            match heard {
                Heard::Whole { id, .. } => break id,
                Heard::Cut => answered.cut += 1,
                Heard::Refused => answered.refused += 1,
            }
            at += 1;
            tokio::task::yield_now().await;
        };
        answered.ids.push(id);
        work.done.send_modify(|done| *done += 1);
    }
}

/// One call.
pub async fn ask(http: &reqwest::Client, addr: SocketAddr, key: &str, ask: &Ask) -> Heard {
    let request = http.post(format!("http://{addr}/v1/chat/completions")).header("x-portkey-api-key", key);
    let request = match ask {
        Ask::Echo(text) => request.header("x-portkey-provider", "echo").json(&chat(text)),
        Ask::Json(url) | Ask::Stream(url) => {
            let mut body = chat("hi");
            body["stream"] = matches!(ask, Ask::Stream(_)).into();
            let request = request.header("x-portkey-provider", "openai").header("x-portkey-custom-host", url);
            request.header("authorization", "Bearer sk-of-the-caller").json(&body)
        }
    };
    let Ok(mut response) = request.send().await else { return Heard::Cut };
    if response.status() == 503 {
        return Heard::Refused;
    }
    assert_eq!(response.status(), 200);
    let id = super::log_id(&response);
    let quota = response.headers().get("x-turnpike-log-quota");
    let quota = quota.map(|quota| quota.to_str().unwrap().to_owned());
    let (body, ended) = super::read(&mut response).await;
    // Who reads a stream is done with this event, whatever becomes of the connection after it.
    let is_whole = match ask {
        Ask::Stream(_) => body.ends_with(super::DONE.as_bytes()),
        _ => ended,
    };
    if is_whole { Heard::Whole { id, quota } } else { Heard::Cut }
}
