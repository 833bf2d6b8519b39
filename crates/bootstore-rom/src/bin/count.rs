//! Counts instructions on QEMU's machine `virt`, and prints sizes of types.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

#[cfg(not(target_arch = "riscv32"))]
fn main() {
    eprintln!("build this for riscv32imc-unknown-none-elf");
}

#[cfg(target_arch = "riscv32")]
mod program {
    use bootstore::node::Node;
    use bootstore::persist::{self, STATE_MAX};
    use bootstore::schemes::v0::state::InitialMember;
    use bootstore::schemes::v0::{Config, Fsm, Message, Request, State};
    use bootstore::seal::Sealer;
    use bootstore::trust_quorum::shamir::{self, Polynomial};
    use bootstore::trust_quorum::{Dealer, Members, RackSecret, Share, SharePkg, threshold};
    use bootstore::wire::{FRAME_MAX, Msg};
    use bootstore::{Baseboard, RackUuid, RequestId};
    use bootstore_rom::Counter;
    use core::fmt::Write;
    use core::hint::black_box;
    use netboot_core::Instant;

    struct Uart;

    impl Write for Uart {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            for octet in text.bytes() {
                // SAFETY: the transmit register of the UART of QEMU's machine `virt`, which takes any octet.
                unsafe { core::ptr::write_volatile(0x1000_0000 as *mut u8, octet) };
            }
            Ok(())
        }
    }

    fn count<T>(what: &str, n: usize, work: impl FnOnce() -> T) -> T {
        let before = riscv::register::minstret::read64();
        let result = black_box(work());
        let after = riscv::register::minstret::read64();
        let _ = writeln!(Uart, "{what:<28} {n:>3}  {:>10}", after - before);
        result
    }

    /// Octets of stack that are painted before an operation.
    const PAINTED: usize = 1024 * 1024;
    const PAINT: u32 = 0xa5a5_a5a5;

    /// Prints how deep the stack grows below the caller.
    #[inline(never)]
    fn depth<T>(what: &str, n: usize, work: impl FnOnce() -> T) {
        let marker = 0u32;
        let here = (&raw const marker) as usize & !3;
        let (top, bottom) = (here - 512, here - PAINTED);
        for address in (bottom..top).step_by(4) {
            // SAFETY: free stack below this frame; no interrupt is enabled, and this loop calls nothing.
            unsafe { core::ptr::write_volatile(address as *mut u32, PAINT) };
        }
        black_box(work());
        // SAFETY: as above; what the call left there is read as numbers.
        let painted = |address| unsafe { core::ptr::read_volatile(address as *const u32) } == PAINT;
        let deepest = (bottom..top).step_by(4).find(|address| !painted(*address));
        let used = here - deepest.unwrap_or(top);
        let _ = writeln!(Uart, "{what:<28} {n:>3}  {used:>10}");
    }

    #[inline(never)]
    fn depths(n: usize) -> Option<()> {
        let now = Instant::ZERO;
        let ids = members(n);
        let mut node = Fsm::new(board(0)?, Config::default(), [1; 8]);
        let mut other = Fsm::new(board(1)?, Config::default(), [2; 8]);
        for id in ids.iter().skip(1) {
            node.on_connected(now, id).ok()?;
        }
        other.on_connected(now, &ids[0]).ok()?;
        depth("init_rack", n, || {
            node.init_rack(now, &mut Counter(3), RackUuid([1; 16]), &ids)
        });
        node.persisted();
        let mut first = None;
        depth("drain an Init", n, || first = node.drain_envelopes().next());
        let init = first?.message;
        depth("handle an Init", n, || other.handle(now, &ids[0], &init));
        let mut frame = [0; FRAME_MAX];
        let msg = Msg::Fsm(init);
        let mut len = 0;
        depth("write an Init frame", n, || {
            len = msg.encode(&mut frame).unwrap_or(0)
        });
        depth("read an Init frame", n, || {
            Msg::decode(frame.get(..len)?).ok()
        });
        let mut stored = [0; STATE_MAX];
        let mut len = 0;
        depth("encode the state", n, || {
            len = persist::encode_state(other.state(), &mut stored).unwrap_or(0);
        });
        depth("decode the state", n, || {
            persist::decode_state(&ids[1], stored.get(..len)?).ok()
        });
        let shares = [1u8, 2, 3].map(|x| Share::from_bytes([x; 33]).ok());
        depth("combine", n, || shamir::combine(shares.iter().flatten(), 3));
        Some(())
    }

    fn size<T>(what: &str) {
        let _ = writeln!(Uart, "{what:<28}      {:>10}", size_of::<T>());
    }

    fn board(number: usize) -> Option<Baseboard> {
        let digits = [b's', b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        Baseboard::pc(core::str::from_utf8(&digits).ok()?, "mcu")
    }

    fn members(count: usize) -> Members {
        (0..count).filter_map(board).collect()
    }

    fn measure() -> Option<()> {
        let rng = &mut Counter(7);
        let secret = RackSecret::random(rng);
        let _ = writeln!(Uart, "instructions, by members of the rack");
        for n in [3, 5, 16, 32] {
            let k = threshold(n);
            let polynomial = Polynomial::random(&secret, k, rng).ok()?;
            let mut shares: [Option<Share>; 17] = [const { None }; 17];
            for (x, share) in (1..).zip(shares.iter_mut().take(k)) {
                *share = polynomial.share(x).ok();
            }
            let combined = count("combine", n, || shamir::combine(shares.iter().flatten(), k));
            if combined.ok()? != secret {
                return None;
            }
        }
        for n in [3, 16, 32] {
            let ids = members(n);
            let dealer = count("deal: secret and digests", n, || {
                Dealer::new(RackUuid([1; 16]), &ids, rng)
            });
            let dealer = dealer.ok()?;
            let package = count("deal: one package", n, || dealer.package(1)).ok()?;
            let secret = dealer.secret();
            count("decrypt an extra share", n, || {
                package.extra_share(&secret, 0)
            })
            .ok()?;
            count("check a share's digest", n, || {
                package.common.share_digests.check(&package.common.share)
            })
            .ok()?;
            let msg = Msg::Fsm(Message::Request {
                id: RequestId([1; 16]),
                request: Request::Init(package.clone()),
            });
            let mut buffer = [0; FRAME_MAX];
            let len = count("write an Init frame", n, || msg.encode(&mut buffer)).ok()?;
            count("read an Init frame", n, || {
                Msg::decode(buffer.get(..len)?).ok()
            })?;
            let state = State::InitialMember(InitialMember::new(package, false));
            let mut stored = [0; STATE_MAX];
            count("encode the state", n, || {
                persist::encode_state(&state, &mut stored)
            })
            .ok()?;
        }
        let sealer = Sealer::new(&secret, RackUuid([1; 16]));
        let mut sealed = [0; 128];
        let len = count("seal 64 octets", 0, || {
            sealer.seal(rng, "label", &[7; 64], &mut sealed)
        });
        let len = len.ok()?;
        count("open 64 octets", 0, || {
            sealer
                .open("label", sealed.get_mut(..len)?)
                .ok()
                .map(|_| ())
        })?;
        let _ = writeln!(Uart, "octets of stack, below the caller");
        depths(3)?;
        depths(32)?;
        let _ = writeln!(Uart, "octets of RAM");
        size::<SharePkg>("SharePkg");
        size::<State>("State");
        size::<Dealer>("Dealer");
        size::<Message>("Message");
        size::<Fsm>("Fsm");
        size::<Node>("Node");
        size::<bootstore::board::Client>("board::Client");
        size::<bootstore::early::EarlyNetConfig>("EarlyNetConfig");
        Some(())
    }

    #[riscv_rt::entry]
    fn main() -> ! {
        let code = if measure().is_some() {
            0x5555
        } else {
            0x1_3333
        };
        // SAFETY: the exit register of QEMU's machine `virt`.
        unsafe { core::ptr::write_volatile(0x10_0000 as *mut u32, code) };
        loop {
            core::hint::spin_loop();
        }
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        let _ = writeln!(Uart, "{info}");
        // SAFETY: the exit register of QEMU's machine `virt`.
        unsafe { core::ptr::write_volatile(0x10_0000 as *mut u32, 0x1_3333) };
        loop {
            core::hint::spin_loop();
        }
    }
}
