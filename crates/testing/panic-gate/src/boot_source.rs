//! `netboot-boot-source`: messages, both ends, and what stands above them, with any mailbox, any source and any consumer.

use crate::app::{Network, deliver};
use crate::core::Board;
use crate::{Input, call, drive, fail, show, take};
use core::hint::black_box;
use netboot_boot_source::{
    BootFlags, BootSourceError, BootSourceProvider, Feeder, FirmwareId, IdMap, Mailbox, Message,
    NetworkError, NetworkSource, Numbering, Place, Pulled, RemoteSource, Requester,
    RequesterConfig, Responder, ResponderConfig, Server, SharedConfig, Status, load_image,
    message_len,
};
use netboot_core::uri::Uri;
use netboot_core::{AbortReason, Digest, ImageSink, Instant, NetworkConfig};
use netboot_ipxe::Delivery;

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    messages(input);
    ends(input);
    feeder(input);
    remote(input);
    servers(input);
}

fn messages(input: &mut Input) {
    take(message_len(input.word() as usize));
    let mut out = [0; 128];
    if let Some(message) = fail(Message::parse(input.octets())) {
        take(call(&mut { message }).emit(black_box(&mut out[..])));
    }
    show(&Status(input.octet()));
    let named: &[(u8, FirmwareId)] = &[];
    let map = IdMap {
        named: black_box(named),
    };
    take(fail(map.octet(FirmwareId(input.word()))));
    take(map.id(input.octet()));
}

fn shared_config(input: &mut Input, numbering: Numbering) -> SharedConfig<'static> {
    take(SharedConfig::default());
    SharedConfig {
        chunk_size: input.word(),
        numbering: black_box(numbering),
        ids: IdMap {
            named: black_box(&[]),
        },
    }
}

fn requester_config(input: &mut Input) -> RequesterConfig<'static> {
    take(RequesterConfig::default());
    RequesterConfig {
        shared: shared_config(input, Numbering::Continuing),
        retry: input.span(),
        answer_timeout: input.span(),
        ready_timeout: input.span(),
        linger: input.span(),
    }
}

fn responder_config(input: &mut Input) -> ResponderConfig<'static> {
    take(ResponderConfig::default());
    ResponderConfig {
        shared: shared_config(input, Numbering::FromZero),
        retry: input.span(),
        ack_timeout: input.span(),
    }
}

fn ends(input: &mut Input) {
    let mut out = [0; 128];
    let mut requester = Requester::new(requester_config(input));
    while input.flag() {
        let requester = call(&mut requester);
        let now = input.now();
        requester.initiate(now, BootFlags(input.word()));
        take(fail(requester.metadata(now, FirmwareId(input.word()))));
        let id = FirmwareId(input.word());
        take(fail(requester.download(now, id, input.word())));
        requester.finalize(now, Status(input.octet()), input.short());
        requester.abort(now);
        requester.hold(now);
        take((requester.position(), requester.is_idle()));
        take(requester.accept(now));
        take(fail(requester.handle(now, input.octets())));
        take(fail(requester.poll(now)));
        take(requester.poll_transmit(now, black_box(&mut out[..])));
        take(requester.poll_timeout());
    }
    let mut buffer = [0; 256];
    let config = responder_config(input);
    let Some(mut responder) = fail(Responder::new(config, black_box(&mut buffer[..]))) else {
        return;
    };
    while input.flag() {
        let responder = call(&mut responder);
        drive(input, responder);
        let now = input.now();
        take(fail(responder.handle(now, input.octets())));
        responder.answer_initiate(Status(input.octet()));
        responder.answer_metadata(Err(Status(input.octet())));
        responder.answer_finalize(Status(input.octet()), Default::default());
        responder.refuse(Status(input.octet()));
        responder.close();
        take(responder.given_up());
        take(responder.poll_transmit(now, black_box(&mut out[..])));
        take(responder.poll_timeout());
    }
}

fn feeder(input: &mut Input) {
    let mut buffer = [0; 256];
    let config = requester_config(input);
    let Some(mut feeder) = fail(Feeder::new(config, black_box(&mut buffer[..]))) else {
        return;
    };
    let mut delivery = Delivery::new(Nothing);
    while input.flag() {
        let feeder = call(&mut feeder);
        let now = input.now();
        feeder.initiate(now, BootFlags(input.word()));
        take(fail(feeder.fetch(now, FirmwareId(input.word()))));
        feeder.finalize(now, Status(input.octet()), input.short());
        take(fail(feeder.poll(now, &mut Input::default(), &mut delivery)));
        take(feeder.poll_timeout());
    }
}

fn remote(input: &mut Input) {
    let mut buffer = [0; 256];
    let (mailbox, mut any) = (Input::default(), Input::default());
    let clock = Board(&mut any);
    let made = RemoteSource::new(
        requester_config(input),
        mailbox,
        clock,
        black_box(&mut buffer[..]),
    );
    let Some(mut remote) = fail(made) else {
        return;
    };
    provider(input, call(&mut remote));
}

fn provider(input: &mut Input, provider: &mut dyn BootSourceProvider<Error = BootSourceError>) {
    let id = FirmwareId(input.word());
    take(fail(provider.initiate_boot(BootFlags(input.word()))));
    take(fail(provider.get_image_metadata(id)));
    if let Some(stream) = fail(provider.download_image(id)) {
        let mut piece = [0; 32];
        take(fail(stream.hold()));
        take(fail(stream.read_chunk(black_box(&mut piece[..]))));
        take((stream.total_size(), stream.is_complete()));
    }
    let mut delivery = Delivery::new(Nothing);
    let mut any = Input::default();
    let mut clock = Board(&mut any);
    take(fail(load_image(provider, id, &mut delivery, &mut clock)));
    take(provider.get_boot_source_status());
    take(fail(provider.finalize(Status(input.octet()))));
}

fn servers(input: &mut Input) {
    let mut buffers = [[0; 256]; 3];
    let [chunk, message, remote] = call(&mut buffers);
    let mailbox = Input::default();
    let config = responder_config(input);
    let Some(mut server) = fail(Server::new(config, mailbox, chunk, message)) else {
        return;
    };
    let network = Network(NetworkConfig::new(Input::default().address().into(), 24));
    let mut source = NetworkSource::new(network, place);
    let mut any = [Input::default(), Input::default()];
    let [near, far] = call(&mut any);
    let config = requester_config(input);
    let made = RemoteSource::new(config, Input::default(), Board(near), remote);
    let Some(provider) = fail(made) else {
        return;
    };
    let mut pulled = Pulled::new(provider, Board(far));
    while input.flag() {
        take(call(&mut server).step(call(&mut source)));
        take(call(&mut server).step(call(&mut pulled)));
        take(server.poll_timeout());
    }
    let mut delivery = Delivery::new(Nothing);
    deliver(input, &mut delivery);
    let error: NetworkError<BootSourceError> = black_box(NetworkError::NoPlace);
    take(fail(Err::<(), _>(error)));
}

fn place(id: FirmwareId, config: Option<&NetworkConfig>) -> Option<Place> {
    take((id, config));
    let place = Place {
        uri: Uri::parse(Input::default().text()).ok()?,
        part: black_box(None),
        sha256: black_box(Some(Digest([0; 32]))),
        version: black_box(0),
    };
    black_box(Some(place))
}

impl Mailbox for Input {
    fn send(&mut self, message: &[u8]) -> bool {
        take(message);
        self.flag()
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        take(into);
        black_box(None)
    }

    fn capacity(&self) -> usize {
        black_box(0)
    }
}

/// Any consumer.
struct Nothing;

/// Works, or does not.
fn perhaps<T>(value: T) -> Result<T, BootSourceError> {
    match Input::default().flag() {
        true => Err(black_box(BootSourceError::Busy)),
        false => Ok(black_box(value)),
    }
}

impl ImageSink for Nothing {
    type Error = BootSourceError;

    fn begin(&mut self, now: Instant, size: u64) -> Result<(), BootSourceError> {
        take((now, size));
        perhaps(())
    }

    fn window(&mut self, now: Instant) -> Result<usize, BootSourceError> {
        take(now);
        perhaps(black_box(0))
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), BootSourceError> {
        take((now, data));
        perhaps(())
    }

    fn end(&mut self, now: Instant) -> Result<(), BootSourceError> {
        take(now);
        perhaps(())
    }

    fn poll_ready(&mut self, now: Instant) -> Result<bool, BootSourceError> {
        take(now);
        perhaps(Input::default().flag())
    }

    fn activate(&mut self, now: Instant) -> Result<(), BootSourceError> {
        take(now);
        perhaps(())
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        take(now);
        Input::default().flag()
    }

    fn abort(&mut self, now: Instant, reason: AbortReason) {
        take((now, reason));
    }
}
