//! The daemon: one task owns the node, its files and its connections; others only read and write octets.

use crate::boards;
use crate::config::Config;
use crate::control::{Answer, LINE_MAX, Request, Usage};
use crate::link::{self, Incoming, Opened, WRITE_QUEUE};
use crate::requests;
use crate::store::{Directory, FileLedger};
use crate::tls::Tls;
use anyhow::{Context, Result};
use bootstore::ledger::{Journal, NETWORK_MAGIC, OVERHEAD, STATE_MAGIC};
use bootstore::node::{ConnectionId, Event, Node, TRANSMIT_MAX, Timing};
use bootstore::persist::{self, NETWORK_MAX, STATE_MAX};
use bootstore::schemes::v0::{self, ApiError, ApiOutput, Fsm, State};
use bootstore::wire::Identify;
use bootstore::{NetworkConfig, RackUuid, RequestId};
use netboot_core::Instant;
use rand_core::{OsRng, RngCore as _};
use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, SocketAddrV6};
use std::os::unix::fs::PermissionsExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UdpSocket, UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};
use zeroize::Zeroizing;

/// Connections that peers have opened and that are not authenticated yet. A further one replaces the oldest.
const OPENING_MAX: usize = 64;
/// Control connections at the same time.
const CONTROL_MAX: usize = 16;

/// What reaches the task that owns the node.
enum Input {
    Accepted(SocketAddrV6, Result<Opened>),
    Dialed(SocketAddrV6, Result<Opened>),
    Control(Request, oneshot::Sender<Answer>),
}

/// One connection's tasks; they end when it is dropped.
struct Link {
    frames: mpsc::Sender<Zeroizing<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A load that somebody waits for.
struct Load {
    started: std::time::Instant,
    usage: Usage,
    answer: oneshot::Sender<Answer>,
}

struct Daemon {
    config: Config,
    tls: Option<Tls>,
    node: Box<Node>,
    state: Journal<FileLedger>,
    network: Journal<FileLedger>,
    network_seen: watch::Sender<Option<NetworkConfig>>,
    links: HashMap<ConnectionId, Link>,
    loads: HashMap<RequestId, Load>,
    inputs: mpsc::Sender<Input>,
    incoming: mpsc::Sender<(ConnectionId, Incoming)>,
    frames: mpsc::Receiver<(ConnectionId, Incoming)>,
    epoch: std::time::Instant,
    refused: u64,
    buffer: Zeroizing<Vec<u8>>,
    _directory: Directory,
}

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// The configuration, the files or the sockets are unusable, another daemon uses them, or storing fails.
pub async fn run(config: Config) -> Result<()> {
    let tls = match &config.tls {
        Some(files) => Some(Tls::read(files, &config.id)?),
        None => None,
    };
    let directory = Directory::open(&config.state_dir)?;
    let epoch = std::time::Instant::now();
    let (node, state, network) = load(&config, &directory)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let (network_seen, watched) = watch::channel(node.network_config().cloned());
    if let Some(address) = config.boards {
        let socket = UdpSocket::bind(address)
            .await
            .with_context(|| format!("cannot listen for boards on {address}"))?;
        tokio::spawn(boards::serve(socket, watched));
    }
    let control = control_socket(&config)?;
    let (inputs, mut input) = mpsc::channel(64);
    let (incoming, frames) = mpsc::channel(64);
    tokio::spawn(accept_peers(listener, tls.clone(), inputs.clone()));
    tokio::spawn(accept_control(control, inputs.clone()));
    eprintln!(
        "bootstored: {} on {}: {}",
        config.id,
        config.listen,
        node.scheme()
    );
    let mut daemon = Daemon {
        config,
        tls,
        node,
        state,
        network,
        network_seen,
        links: HashMap::new(),
        loads: HashMap::new(),
        inputs,
        incoming,
        frames,
        epoch,
        refused: 0,
        buffer: Zeroizing::new(vec![0; TRANSMIT_MAX.max(STATE_MAX + OVERHEAD)]),
        _directory: directory,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        daemon.settle()?;
        let now = daemon.now();
        let due = daemon.node.poll_timeout();
        let wait = due.map_or(1_000_000, |due| due.since(now).as_micros());
        tokio::select! {
            Some(input) = input.recv() => daemon.input(input)?,
            Some((id, incoming)) = daemon.frames.recv() => daemon.incoming(id, incoming)?,
            () = tokio::time::sleep(std::time::Duration::from_micros(wait)) => {}
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
        daemon.timeouts();
    }
    eprintln!("bootstored: ends as it was asked to");
    let _ = std::fs::remove_file(&daemon.config.control);
    Ok(())
}

type Loaded = (Box<Node>, Journal<FileLedger>, Journal<FileLedger>);

/// Reads what is stored, and makes the node of it.
fn load(config: &Config, directory: &Directory) -> Result<Loaded> {
    let mut buffer = Zeroizing::new(vec![0; STATE_MAX + OVERHEAD]);
    let (state, octets) = Journal::open(directory.ledger("fsm"), STATE_MAGIC, &mut buffer)
        .context("the share cannot be read")?;
    let found = match octets {
        Some(octets) => persist::decode_state(&config.id, octets)
            .context("the stored share is unusable: was it another board's?")?,
        None => State::Uninitialized,
    };
    let mut buffer = vec![0; NETWORK_MAX + OVERHEAD];
    let (network, octets) = Journal::open(directory.ledger("network"), NETWORK_MAGIC, &mut buffer)
        .context("the network configuration cannot be read")?;
    let blob = octets
        .map(persist::decode_network)
        .transpose()
        .context("the stored network configuration is unusable")?;
    let mut nonce = [0; 8];
    OsRng.fill_bytes(&mut nonce);
    let fsm = Fsm::restore(
        Instant::ZERO,
        config.id.clone(),
        v0::Config::default(),
        nonce,
        found,
    );
    let identity = Identify {
        id: config.id.clone(),
        addr: config.listen,
    };
    let scheme = config.scheme();
    let mut node = Box::new(Node::new(identity, scheme, Timing::default(), fsm, blob));
    if node.set_peer_addresses(Instant::ZERO, &config.peers) > 0 {
        anyhow::bail!("there are more than 64 peers");
    }
    Ok((node, state, network))
}

fn control_socket(config: &Config) -> Result<UnixListener> {
    let path = &config.control;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make {}", parent.display()))?;
    }
    // The lock on the state directory is ours, so a socket that is left over belongs to a daemon that is gone.
    let _ = std::fs::remove_file(path);
    let socket =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(socket)
}

async fn accept_peers(listener: TcpListener, tls: Option<Tls>, inputs: mpsc::Sender<Input>) {
    let mut opening: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: let some connections end.
                eprintln!("bootstored: cannot accept a connection: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let SocketAddr::V6(remote) = remote else {
            continue;
        };
        opening.retain(|task| !task.is_finished());
        if opening.len() >= OPENING_MAX
            && let Some(oldest) = opening.pop_front()
        {
            oldest.abort();
        }
        let (tls, inputs) = (tls.clone(), inputs.clone());
        let task = tokio::spawn(async move {
            let opened = link::accept(stream, tls).await;
            let _ = inputs.send(Input::Accepted(remote, opened)).await;
        });
        opening.push_back(task.abort_handle());
    }
}

async fn accept_control(listener: UnixListener, inputs: mpsc::Sender<Input>) {
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(CONTROL_MAX));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let inputs = inputs.clone();
        tokio::spawn(async move {
            // A client that goes away has no use for an error.
            let _ = serve_control(stream, inputs).await;
            drop(slot);
        });
    }
}

async fn serve_control(stream: UnixStream, inputs: mpsc::Sender<Input>) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = Zeroizing::new(String::new());
    let mut read = BufReader::new(read.take(LINE_MAX));
    tokio::time::timeout(link::OPEN_TIMEOUT, read.read_line(&mut line)).await??;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => {
            let (reply, answer) = oneshot::channel();
            inputs.send(Input::Control(request, reply)).await.ok();
            answer.await?
        }
        Err(error) => Answer::error(format!("the request cannot be read: {error}")),
    };
    let mut octets = Zeroizing::new(serde_json::to_vec(&answer)?);
    octets.push(b'\n');
    write.write_all(&octets).await?;
    Ok(())
}

impl Daemon {
    fn now(&self) -> Instant {
        let micros = self.epoch.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// Stores what has changed, then closes, sends and dials what is due.
    fn settle(&mut self) -> Result<()> {
        self.store()?;
        let now = self.now();
        loop {
            if let Some((id, reason)) = self.node.poll_close(now) {
                eprintln!("bootstored: closes a connection: {reason}");
                self.refused += 1;
                self.links.remove(&id);
                continue;
            }
            let Some(transmit) = self.node.poll_transmit(now, &mut self.buffer) else {
                break;
            };
            let octets = self.buffer.get(..transmit.len).unwrap_or(&[]).to_vec();
            let sent = match self.links.get(&transmit.connection) {
                Some(link) => link.frames.try_send(Zeroizing::new(octets)).is_ok(),
                None => false,
            };
            if !sent {
                self.links.remove(&transmit.connection);
                self.node.on_closed(now, transmit.connection);
            }
        }
        while let Some(remote) = self.node.poll_dial(now) {
            let (tls, inputs) = (self.tls.clone(), self.inputs.clone());
            tokio::spawn(async move {
                let opened = link::dial(remote, tls).await;
                let _ = inputs.send(Input::Dialed(remote, opened)).await;
            });
        }
        Ok(())
    }

    fn store(&mut self) -> Result<()> {
        if self.node.fsm_unstored() {
            let state = self.node.fsm().state();
            self.state
                .store(&mut self.buffer, |b| persist::encode_state(state, b))
                .context("the share cannot be stored")?;
            self.node.fsm_stored();
        }
        if self.node.network_unstored() {
            let config = self.node.network_config().cloned();
            if let Some(config) = &config {
                self.network
                    .store(&mut self.buffer, |b| persist::encode_network(config, b))
                    .context("the network configuration cannot be stored")?;
            }
            self.node.network_stored();
            self.network_seen.send_replace(config);
        }
        Ok(())
    }

    fn input(&mut self, input: Input) -> Result<()> {
        let now = self.now();
        match input {
            Input::Accepted(remote, Ok(opened)) => {
                match self.node.on_accepted(now, remote, opened.proven.clone()) {
                    Ok(id) => self.open(id, opened),
                    Err(error) => self.refuse(remote, &error),
                }
            }
            Input::Accepted(remote, Err(error)) => self.refuse(remote, &format!("{error:#}")),
            Input::Dialed(remote, Ok(opened)) => {
                match self.node.on_dialed(now, remote, opened.proven.clone()) {
                    Ok(id) => self.open(id, opened),
                    Err(error) => self.refuse(remote, &error),
                }
            }
            Input::Dialed(remote, Err(error)) => {
                eprintln!("bootstored: {error:#}");
                self.node.on_dial_failed(now, remote);
            }
            Input::Control(request, answer) => self.control(request, answer)?,
        }
        Ok(())
    }

    fn refuse(&mut self, remote: SocketAddrV6, reason: &dyn std::fmt::Display) {
        self.refused += 1;
        eprintln!("bootstored: refuses {remote}: {reason}");
    }

    fn open(&mut self, id: ConnectionId, opened: Opened) {
        let (read, write) = tokio::io::split(opened.stream);
        let (frames, queue) = mpsc::channel(WRITE_QUEUE);
        tokio::spawn(link::write(write, queue));
        let reader = tokio::spawn(link::read(id, read, self.incoming.clone()));
        self.links.insert(id, Link { frames, reader });
    }

    fn incoming(&mut self, id: ConnectionId, incoming: Incoming) -> Result<()> {
        let now = self.now();
        match incoming {
            Incoming::Hello(hello) => {
                // An error closes the connection, which `settle` does and logs.
                let _ = self.node.handle_hello(now, id, &hello);
            }
            Incoming::Frame(content) => {
                let event = self.node.handle_frame(now, id, &content);
                if let Ok(Some(event)) = event {
                    self.event(event)?;
                }
            }
            Incoming::Closed(reason) => {
                if self.links.remove(&id).is_some() {
                    eprintln!("bootstored: a connection has ended: {reason}");
                    self.node.on_closed(now, id);
                }
            }
        }
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::PeerConnected(peer) => eprintln!("bootstored: {peer} is connected"),
            Event::Refused(error) => eprintln!("bootstored: a message is refused: {error}"),
            Event::NetworkConfig(generation) => {
                eprintln!("bootstored: network configuration of generation {generation}");
            }
            Event::Trust(output) => self.output(output)?,
        }
        Ok(())
    }

    /// An output of the trust quorum; what it says is stored before anybody hears of it.
    fn output(&mut self, output: ApiOutput) -> Result<()> {
        self.store()?;
        match output {
            ApiOutput::RackSecret { request_id, secret } => {
                let rack = self.node.fsm().state().rack_uuid();
                if let (Some(load), Some(rack)) = (self.loads.remove(&request_id), rack) {
                    let took = load.started.elapsed().as_millis() as u64;
                    let answer = requests::use_secret(&secret, rack, &load.usage, took);
                    let _ = load.answer.send(answer);
                }
            }
            other => eprintln!("bootstored: {other:?}"),
        }
        Ok(())
    }

    fn timeouts(&mut self) {
        let now = self.now();
        if let Err(expired) = self.node.handle_timeout(now) {
            for (request, error) in expired {
                eprintln!("bootstored: {error}");
                if let Some(load) = self.loads.remove(&request) {
                    let _ = load.answer.send(Answer::coded(&error));
                }
            }
        }
    }

    fn control(&mut self, request: Request, reply: oneshot::Sender<Answer>) -> Result<()> {
        let now = self.now();
        let answer = match request {
            Request::Status => Answer::Status(requests::status(&self.node, self.refused)),
            Request::InitRack { members } => {
                let members: Result<Vec<_>> = members
                    .iter()
                    .map(|name| crate::config::parse_board(name))
                    .collect();
                match members {
                    Ok(members) => {
                        let rack = new_uuid();
                        let started = self.node.init_rack(now, &mut OsRng, rack, &members);
                        let done = Answer::Started {
                            rack_uuid: rack.to_string(),
                        };
                        self.answer(started, done)?
                    }
                    Err(error) => Answer::error(error),
                }
            }
            Request::Learn => {
                let started = self.node.init_learner(now);
                self.answer(started, Answer::Done)?
            }
            Request::Unlock { usage } => {
                let load = Load {
                    started: std::time::Instant::now(),
                    usage,
                    answer: reply,
                };
                return self.unlock(now, load);
            }
            Request::ConfigGet => requests::config_get(&self.node),
            Request::ConfigSet { config, generation } => {
                match requests::new_config(&self.node, &config, generation) {
                    Ok(config) => match self.node.set_network_config(config) {
                        Ok(()) => {
                            self.store()?;
                            Answer::Done
                        }
                        Err(error) => Answer::coded(&error),
                    },
                    Err(error) => Answer::error(format!("{error:#}")),
                }
            }
            Request::Reset { identifier } if identifier == self.config.id.identifier.as_str() => {
                self.reset()?;
                Answer::Done
            }
            Request::Reset { .. } => {
                Answer::error("the identifier is not this node's, so nothing is erased")
            }
        };
        let _ = reply.send(answer);
        Ok(())
    }

    fn answer(
        &mut self,
        result: Result<Option<ApiOutput>, ApiError>,
        done: Answer,
    ) -> Result<Answer> {
        match result {
            Ok(output) => {
                if let Some(output) = output {
                    self.output(output)?;
                }
                Ok(done)
            }
            Err(error) => Ok(Answer::coded(&error)),
        }
    }

    fn unlock(&mut self, now: Instant, load: Load) -> Result<()> {
        match self.node.load_rack_secret(now) {
            Ok(output) => {
                if let ApiOutput::RackSecretRequested { request_id }
                | ApiOutput::RackSecret { request_id, .. } = &output
                {
                    self.loads.insert(*request_id, load);
                }
                if matches!(output, ApiOutput::RackSecret { .. }) {
                    self.output(output)?;
                }
            }
            Err(error) => {
                let _ = load.answer.send(Answer::coded(&error));
            }
        }
        Ok(())
    }

    /// Erases the files, and starts again as a node that belongs to no rack.
    fn reset(&mut self) -> Result<()> {
        self.links.clear();
        self.loads.clear();
        // What the old connections have read must not reach new ones.
        (self.incoming, self.frames) = mpsc::channel(64);
        self.state
            .ledger()
            .erase()
            .context("cannot erase the share")?;
        self.network
            .ledger()
            .erase()
            .context("cannot erase the network configuration")?;
        // The new node's clock starts at zero.
        let (node, state, network) = load(&self.config, &self._directory)?;
        (self.node, self.state, self.network) = (node, state, network);
        self.network_seen.send_replace(None);
        self.epoch = std::time::Instant::now();
        eprintln!("bootstored: this node is reset");
        Ok(())
    }
}

fn new_uuid() -> RackUuid {
    let mut uuid = [0; 16];
    OsRng.fill_bytes(&mut uuid);
    // Version 4, variant of RFC 9562.
    uuid[6] = uuid[6] & 0x0f | 0x40;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    RackUuid(uuid)
}
