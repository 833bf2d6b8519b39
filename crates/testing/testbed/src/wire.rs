//! The image server at the other end of the wire of a machine under QEMU, in a thread of its own.

use crate::plan::Plan;
use anyhow::{Context, Result, bail};
use image_server::forward::Forward;
use image_server::{ImageServer, qemu as port};
use netsim::Link;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The image server in its thread.
pub(crate) struct Server {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<std::io::Result<port::Report>>>,
}

impl Server {
    pub(crate) fn start(
        plan: &Plan,
        socket: &Path,
        pcap: Option<&Path>,
        forward: Option<Forward>,
    ) -> Result<Self> {
        let listener = port::listen(socket)
            .with_context(|| format!("cannot listen at {}", socket.display()))?;
        let mut link = Link::new(plan.seed, plan.link);
        if let Some(path) = pcap {
            let file = File::create(path);
            let file = file.with_context(|| format!("cannot write {}", path.display()))?;
            link.capture(Box::new(BufWriter::new(file)));
        }
        let config = plan.server();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = stop.clone();
            thread::Builder::new()
                .name("image-server".into())
                .spawn(move || {
                    let server = ImageServer::new(config, netboot_core::Instant::ZERO);
                    port::run_with(listener, server, link, forward, &stop, |_, _| {})
                })
                .context("cannot start a thread")?
        };
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    pub(crate) fn stop(mut self) -> Result<port::Report> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("stopped twice")?;
        match thread.join() {
            Ok(report) => report.context("the image server failed"),
            Err(_) => bail!("the image server panicked (message above)"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it says no longer matters; its end does, because it holds the socket and the capture.
            let _ = thread.join();
        }
    }
}
