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
    use bootstore::schemes::v0::{Fsm, Message, Request, State};
    use bootstore::seal::Sealer;
    use bootstore::trust_quorum::shamir::{self, Polynomial};
    use bootstore::trust_quorum::{Dealer, Members, RackSecret, Share, SharePkg, threshold};
    use bootstore::wire::{FRAME_MAX, Msg};
    use bootstore::{Baseboard, RackUuid, RequestId};
    use bootstore_rom::Counter;
    use core::fmt::Write;
    use core::hint::black_box;

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
