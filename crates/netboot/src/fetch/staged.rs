//! An image that is held whole in a buffer of the caller's, on its way in and on its way out.

use super::{Erased, Fetch, Out, SINK_POLL, Stop};
use crate::NetError;
use crate::stack::Stack;
use netboot_core::{Device, Digest, ImageSink, Instant, Platform};
use netboot_ipxe::{Delivery, ExecError};
use sha2::{Digest as _, Sha256};

/// Reads an image of `size` octets into the front of `buffer`; gives that.
#[inline(never)]
pub(crate) fn load<'s, D: Device, P: Platform>(
    stack: &mut Stack<'_, D, P>,
    fetch: &mut Fetch,
    size: u64,
    buffer: &'s mut [u8],
) -> Result<&'s [u8], NetError> {
    let room = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    let Some(target) = usize::try_from(size)
        .ok()
        .and_then(|len| buffer.get_mut(..len))
    else {
        fetch.transfer.close(stack);
        return Err(NetError::StagingTooSmall { size, buffer: room });
    };
    let mut sink = Staging {
        buffer: target,
        filled: 0,
    };
    match fetch.drain(stack, size, &mut sink) {
        Ok(_) => Ok(sink.buffer),
        Err(ExecError::Transfer(error) | ExecError::Sink(error)) => Err(error),
    }
}

/// Delivers an image that lies in memory already.
pub(crate) fn deliver<D: Device, P: Platform, S: ImageSink>(
    stack: &mut Stack<'_, D, P>,
    data: &[u8],
    sink: &mut S,
) -> Result<Delivery, ExecError<NetError, S::Error>> {
    let mut out = Erased { sink, error: None };
    let result = deliver_into(stack, data, &mut out);
    out.finish(stack, result)
}

#[inline(never)]
fn deliver_into<D: Device, P: Platform>(
    stack: &mut Stack<'_, D, P>,
    data: &[u8],
    out: &mut dyn Out,
) -> Result<Delivery, Stop> {
    let begin = stack.platform.now();
    out.begin(begin, data.len() as u64)?;
    let mut rest = data;
    while !rest.is_empty() {
        let now = stack.service();
        if now >= stack.deadline {
            return Err(stack.fail(NetError::Deadline).into());
        }
        let window = out.window(now)?;
        let (chunk, later) = rest.split_at(window.min(rest.len()));
        if chunk.is_empty() {
            stack.idle(now, now + SINK_POLL);
            continue;
        }
        out.write(now, chunk)?;
        rest = later;
    }
    let now = stack.platform.now();
    out.end(now)?;
    Ok(Delivery {
        octets: data.len() as u64,
        sha256: stack
            .options
            .hashes()
            .then(|| Digest(Sha256::digest(data).into())),
        resumes: 0,
        duration: now.since(begin),
    })
}

/// A staging buffer as a sink: the buffer is exactly as long as the image.
struct Staging<'s> {
    buffer: &'s mut [u8],
    filled: usize,
}

impl ImageSink for Staging<'_> {
    type Error = NetError;

    fn begin(&mut self, _: Instant, _: u64) -> Result<(), NetError> {
        self.filled = 0;
        Ok(())
    }

    fn window(&mut self, _: Instant) -> Result<usize, NetError> {
        Ok(self.buffer.len().saturating_sub(self.filled))
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), NetError> {
        let rest = self.buffer.get_mut(self.filled..).unwrap_or_default();
        for (to, from) in rest.iter_mut().zip(data) {
            *to = *from;
        }
        self.filled = self.filled.saturating_add(data.len());
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), NetError> {
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, NetError> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), NetError> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        true
    }

    fn abort(&mut self, _: Instant, _: netboot_core::AbortReason) {}
}
