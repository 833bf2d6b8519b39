//! The device: commands by their mailbox codes.

use crate::cells::{Fuses, Log};
use crate::checksum::{checksum, seal};
use crate::config::DeviceConfig;
use crate::crypto::aes::Stream;
use crate::crypto::gcm::Gcm;
use crate::crypto::keys::{self, Key};
use crate::crypto::random::Random;
use crate::crypto::sha::{self, Sha};
use crate::crypto::{MAX_DATA, aes, ec, gcm, seal};
use crate::fault::{Fault, Queue};
use crate::input::{Input, Output};
use crate::refusal::Refusal;

/// What the device counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that reached the device, damaged ones included.
    pub received: u64,
    /// Requests that the device carried out.
    pub executed: u64,
    /// Requests that the device declined, those that a fault made it decline included.
    pub refused: u64,
    /// Octets of the requests' payloads, without checksum and framing.
    pub payload_octets: u64,
}

/// The device.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) config: DeviceConfig,
    pub(crate) faults: Queue,
    pub(crate) counters: Counters,
    pub(crate) random: Random,
    log: Log,
    fuses: Fuses,
    /// Seals what the device hands out.
    seal_key: [u8; 32],
    pub(crate) attestation_key: [u8; 48],
    used_keys: u32,
    pub(crate) challenge: Option<[u8; 48]>,
}

const fn code(text: &[u8; 4]) -> u32 {
    u32::from_be_bytes(*text)
}

impl Device {
    /// A device.
    pub fn new(config: DeviceConfig) -> Self {
        let mut random = Random::new(config.seed);
        Self {
            seal_key: random.array(),
            attestation_key: random.array(),
            config,
            faults: Queue::default(),
            counters: Counters::default(),
            random,
            log: Log::new(),
            fuses: Fuses::new(),
            used_keys: 0,
            challenge: None,
        }
    }

    /// Has the next commands go wrong, one fault for each. Gives whether there was room.
    pub fn fail_next(&mut self, fault: Fault) -> bool {
        self.faults.push(fault)
    }

    /// What the device counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Adds defmt frames, each of which ends with a zero, to the log. Gives whether there was room.
    pub fn write_log(&mut self, frames: &[u8]) -> bool {
        self.log.push(frames)
    }

    /// X and Y of the public key that verifies evidence.
    pub fn attestation_public_key(&self) -> [u8; 96] {
        ec::public(&self.attestation_key).unwrap_or([0; 96])
    }

    /// Tells the device what it was booted with: the version of Caliptra's core firmware (`index` 0), of the MCU's runtime (1), or of
    /// the SoC's set (2). An image that tells no version has [`Text::of_digest`](crate::Text::of_digest).
    pub fn booted(&mut self, index: usize, version: crate::Text) {
        if let Some(place) = self.config.versions.get_mut(index) {
            *place = Some(version);
        }
    }

    /// The device's settings, for changes at run time such as the version that was booted.
    pub fn config_mut(&mut self) -> &mut DeviceConfig {
        &mut self.config
    }

    /// Carries out a command whose request and answer have a checksum, without a fault. Gives the answer's length.
    ///
    /// # Errors
    /// When the device declines.
    pub fn mailbox(
        &mut self,
        command: u32,
        request: &[u8],
        answer: &mut [u8],
    ) -> Result<usize, Refusal> {
        self.counters.received += 1;
        let result = self.checked(command, request, answer);
        match result {
            Ok(_) => self.counters.executed += 1,
            Err(_) => self.counters.refused += 1,
        }
        result
    }

    fn checked(
        &mut self,
        command: u32,
        request: &[u8],
        answer: &mut [u8],
    ) -> Result<usize, Refusal> {
        let mut input = Input(request);
        let sum = input.u32()?;
        if sum != checksum(command, input.0) {
            return Err(Refusal::PARAMETER);
        }
        self.counters.payload_octets += input.0.len() as u64;
        let mut output = Output::new(answer);
        // Checksum and fips_status.
        output.u32(0)?;
        output.u32(0)?;
        self.execute(command, input, &mut output)?;
        let len = output.len;
        seal(answer.get_mut(..len).unwrap_or_default());
        Ok(len)
    }

    /// Carries out a command: reads the fields behind the checksum and writes those behind `fips_status`.
    fn execute(
        &mut self,
        command: u32,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        const NONE: Result<(), Refusal> = Ok(());
        if command == code(b"MFWV") {
            let version = self.version(input.u32()?)?;
            input.end()?;
            return out.sized(version.as_bytes());
        } else if command == code(b"MCAP") {
            input.end()?;
            return out.put(&self.capabilities());
        } else if command == code(b"MDID") {
            input.end()?;
            let pci = self.config.pci.ok_or(Refusal::UNSUPPORTED)?;
            return pci
                .iter()
                .try_for_each(|number| out.put(&number.to_le_bytes()));
        } else if command == code(b"MDIN") {
            let index = input.u32()?;
            input.end()?;
            self.config.pci.ok_or(Refusal::UNSUPPORTED)?;
            return match index {
                0 => out.sized(&self.config.unique_id),
                _ => Err(Refusal::PARAMETER),
            };
        } else if command == code(b"MGLG") {
            input.end()?;
            return self.get_log(out);
        } else if command == code(b"MCLG") {
            input.end()?;
            self.log.clear();
            return NONE;
        } else if command == code(b"MGAT") {
            return self.attest(input, out);
        } else if command == code(b"MEAC") {
            return self.attested_csr(input, out);
        } else if command == code(b"MPUR") {
            return self.unlock_request(input, out);
        } else if command == code(b"MPUT") {
            return self.unlock_token(input);
        } else if command == code(b"IFPR") {
            let word = self
                .fuses
                .read(input.u32()?, input.u32()?)
                .ok_or(Refusal::PARAMETER)?;
            input.end()?;
            out.u32(32)?;
            return out.u32(word);
        } else if command == code(b"IFPW") {
            let written = self.fuses.write(input.u32()?, input.u32()?, input.u32()?);
            input.end()?;
            return if written { NONE } else { Err(Refusal::FAILED) };
        } else if command == code(b"IFPK") {
            let locked = self.fuses.lock(input.u32()?);
            input.end()?;
            return if locked {
                NONE
            } else {
                Err(Refusal::PARAMETER)
            };
        } else if command == code(b"MACC") {
            if input.array()? != [0; 8] {
                return Err(Refusal::PARAMETER);
            }
            input.end()?;
            let challenge = self.random.array();
            self.challenge = Some(challenge);
            out.u32(0)?;
            return out.put(&challenge);
        } else if command == code(b"PVPK") {
            input.take(4 + 48)?;
            return NONE;
        } else if command == code(b"MIMS") {
            let (flags, target, svn) = (input.u32()?, input.u32()?, input.u32()?);
            return match (flags, target, svn) {
                (0, 0 | 1, 1..=128) => NONE,
                (0, 2, _) => Err(Refusal::UNSUPPORTED),
                _ => Err(Refusal::PARAMETER),
            };
        } else if command == 0x11 && input.u32()? == code(b"MDST") {
            // Ownership: not locked, no owner.
            input.end()?;
            out.u32(0)?;
            return out.u32(0);
        }
        self.crypto(command, input, out)
    }

    fn crypto(
        &mut self,
        command: u32,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        let key = self.seal_key;
        if command == code(b"MCSI") {
            let mut sha = Sha::new(input.u32()?)?;
            sha.update(input.sized(MAX_DATA)?);
            input.end()?;
            return out.put(&sha.context());
        } else if command == code(b"MCSU") || command == code(b"MCSF") {
            let mut sha = Sha::open(&input.array::<{ sha::CONTEXT }>()?)?;
            sha.update(input.sized(MAX_DATA)?);
            input.end()?;
            if command == code(b"MCSU") {
                return out.put(&sha.context());
            }
            let (digest, len) = sha.finish();
            return out.sized(digest.get(..len).unwrap_or_default());
        } else if command == code(b"MCHM") {
            let cmk = Key::open(&key, input.take(keys::CMK)?, Some(keys::HMAC))?;
            let algorithm = input.u32()?;
            let (mac, len) = cmk.mac(algorithm, &[input.sized(MAX_DATA)?])?;
            input.end()?;
            return out.sized(mac.get(..len).unwrap_or_default());
        } else if command == code(b"MCKC") {
            let cmk = Key::open(&key, input.take(keys::CMK)?, Some(keys::HMAC))?;
            let (algorithm, usage, size) = (input.u32()?, input.u32()?, input.u32()?);
            let label = input.sized(MAX_DATA)?;
            input.end()?;
            let (derived, len) = cmk.mac(algorithm, &[&1u32.to_be_bytes(), label])?;
            let size = usize::try_from(size).unwrap_or(usize::MAX).min(len + 1);
            let derived = derived.get(..size).ok_or(Refusal::PARAMETER)?;
            return self.hand_out(usage, derived, out);
        } else if command == code(b"MCIM") {
            let usage = input.u32()?;
            let octets = input.sized(64)?;
            input.end()?;
            return self.hand_out(usage, octets, out);
        } else if command == code(b"MCDL") {
            Key::open(&key, input.take(keys::CMK)?, None)?;
            input.end()?;
            self.used_keys = self.used_keys.saturating_sub(1);
            return Ok(());
        } else if command == code(b"MCST") {
            input.end()?;
            out.u32(self.used_keys)?;
            return out.u32(256);
        } else if command == code(b"MCRG") {
            let size = usize::try_from(input.u32()?).unwrap_or(usize::MAX);
            input.end()?;
            if size > MAX_DATA {
                return Err(Refusal::PARAMETER);
            }
            out.u32(size as u32)?;
            let room = out.room(size)?;
            self.random.fill(room);
            return Ok(());
        } else if command == code(b"MCRS") {
            self.random.stir(input.sized(MAX_DATA)?);
            return input.end();
        }
        self.ciphers(command, input, out)
    }

    /// Seals a key and writes it.
    fn hand_out(&mut self, usage: u32, octets: &[u8], out: &mut Output<'_>) -> Result<(), Refusal> {
        let cmk = Key::new(usage, octets)?.seal(&self.seal_key, &mut self.random)?;
        self.used_keys += 1;
        out.put(&cmk)
    }

    fn ciphers(
        &mut self,
        command: u32,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        let key = self.seal_key;
        let encrypt = command == code(b"MCCI");
        if encrypt || command == code(b"MCAJ") {
            let cmk = Key::open(&key, input.take(keys::CMK)?, Some(keys::AES))?;
            let mode = input.u32()?;
            let iv = if encrypt {
                self.random.array()
            } else {
                input.array()?
            };
            let data = input.sized(MAX_DATA)?;
            input.end()?;
            let mut stream = Stream::new(mode, cmk.array()?, iv, !encrypt)?;
            return self.stream(&mut stream, data, encrypt.then_some(&iv[..]), out);
        } else if command == code(b"MCCU") || command == code(b"MCAU") {
            let decrypt = command == code(b"MCAU");
            let mut stream = Stream::open(&key, input.take(aes::CONTEXT)?, decrypt)?;
            let data = input.sized(MAX_DATA)?;
            input.end()?;
            return self.stream(&mut stream, data, None, out);
        } else if command == code(b"MCGI") || command == code(b"MCDI") {
            let encrypt = command == code(b"MCGI");
            input.u32()?;
            let cmk = Key::open(&key, input.take(keys::CMK)?, Some(keys::AES))?;
            let iv = if encrypt {
                self.random.array()
            } else {
                input.array()?
            };
            let aad = input.sized(MAX_DATA)?;
            input.end()?;
            let gcm = Gcm::new(cmk.array()?, iv, aad, !encrypt);
            out.put(&gcm.seal(&key, &mut self.random)?)?;
            return if encrypt { out.put(&iv) } else { Ok(()) };
        } else if command == code(b"MCGU") || command == code(b"MCDU") {
            let mut gcm = Gcm::open(&key, input.take(gcm::CONTEXT)?, command == code(b"MCDU"))?;
            let data = input.sized(MAX_DATA)?;
            input.end()?;
            let at = out.len;
            out.room(gcm::CONTEXT + 4)?;
            gcm.update(data, out)?;
            let len = out.len;
            out.len = at;
            out.put(&gcm.seal(&key, &mut self.random)?)?;
            out.u32((len - at - gcm::CONTEXT - 4) as u32)?;
            out.len = len;
            return Ok(());
        } else if command == code(b"MCGF") || command == code(b"MCDF") {
            let decrypt = command == code(b"MCDF");
            let mut gcm = Gcm::open(&key, input.take(gcm::CONTEXT)?, decrypt)?;
            let wanted: Option<(u32, [u8; 16])> = match decrypt {
                true => Some((input.u32()?, input.array()?)),
                false => None,
            };
            let data = input.sized(MAX_DATA)?;
            input.end()?;
            let at = out.len;
            let head = if decrypt { 4 } else { 16 };
            out.room(head + 4)?;
            gcm.update(data, out)?;
            let tag = gcm.finish(out)?;
            let len = out.len;
            out.len = at;
            match wanted {
                Some((size, wanted)) => {
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    let same = (8..=16).contains(&size) && wanted.get(..size) == tag.get(..size);
                    out.u32(u32::from(same))?;
                }
                None => out.put(&tag)?,
            }
            out.u32((len - at - head - 4) as u32)?;
            out.len = len;
            return Ok(());
        }
        self.curves(command, input, out)
    }

    fn stream(
        &mut self,
        stream: &mut Stream,
        data: &[u8],
        iv: Option<&[u8]>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        if data.is_empty() {
            return Err(Refusal::LENGTH);
        }
        // The context comes first, and shows the state after the data.
        let at = out.len;
        out.room(aes::CONTEXT + iv.map_or(0, <[u8]>::len))?;
        out.u32(data.len() as u32)?;
        let room = out.room(data.len())?;
        room.copy_from_slice(data);
        stream.run(room)?;
        let len = out.len;
        out.len = at;
        out.put(&stream.seal(&self.seal_key, &mut self.random)?)?;
        out.put(iv.unwrap_or_default())?;
        out.len = len;
        Ok(())
    }

    fn curves(
        &mut self,
        command: u32,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        let key = self.seal_key;
        let hash = |message: &[u8]| -> Result<[u8; 48], Refusal> {
            let mut sha = Sha::new(1)?;
            sha.update(message);
            let (digest, _) = sha.finish();
            digest
                .get(..48)
                .and_then(|digest| digest.try_into().ok())
                .ok_or(Refusal::FAILED)
        };
        if command == code(b"MCEP") {
            let cmk = Key::open(&key, input.take(keys::CMK)?, Some(keys::ECDSA))?;
            input.end()?;
            return out.put(&ec::public(&cmk.array()?)?);
        } else if command == code(b"MCES") {
            let cmk = Key::open(&key, input.take(keys::CMK)?, Some(keys::ECDSA))?;
            let digest = hash(input.sized(MAX_DATA)?)?;
            input.end()?;
            return out.put(&ec::sign(&cmk.array()?, &digest)?);
        } else if command == code(b"MCEV") {
            let cmk = Key::open(&key, input.take(keys::CMK)?, Some(keys::ECDSA))?;
            let signature = input.array()?;
            let digest = hash(input.sized(MAX_DATA)?)?;
            input.end()?;
            return ec::verify(&ec::public(&cmk.array()?)?, &signature, &digest);
        } else if command == code(b"MECV") {
            let (xy, signature, digest) = (input.array()?, input.array()?, input.array::<48>()?);
            input.end()?;
            ec::verify(&xy, &signature, &digest)?;
            // "USRD": the caller supplied the digest.
            out.patch(4, 0x5553_5244);
            return Ok(());
        } else if command == code(b"MCEG") {
            input.end()?;
            let (scalar, xy) = ec::ephemeral(&mut self.random)?;
            let context: [u8; 76] = seal::seal(&key, &mut self.random, 6, &scalar)?;
            out.put(&context)?;
            return out.put(&xy);
        } else if command == code(b"MCEF") {
            let scalar: [u8; 48] = seal::open(&key, 6, input.take(76)?)?;
            let usage = input.u32()?;
            let secret = ec::shared(&scalar, &input.array()?)?;
            input.end()?;
            let size = if usage == keys::AES { 32 } else { 48 };
            return self.hand_out(usage, secret.get(..size).unwrap_or_default(), out);
        }
        Err(Refusal::UNSUPPORTED)
    }

    pub(crate) fn version(&self, index: u32) -> Result<crate::config::Text, Refusal> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let version = self.config.versions.get(index).ok_or(Refusal::PARAMETER)?;
        version.ok_or(Refusal::UNSUPPORTED)
    }

    pub(crate) fn capabilities(&self) -> [u8; 36] {
        let config = &self.config;
        let mut out = [0; 36];
        // Commands 1 to 8 of the registry, but for those that SPDM alone carries.
        let words = [
            config.caliptra_fmc,
            config.caliptra_rom,
            config.mcu_rom,
            config.mcu_rt,
            0x0F,
            0,
            0,
        ];
        let octets = config.caliptra_rt.to_be_bytes().into_iter();
        for (to, from) in out
            .iter_mut()
            .zip(octets.chain(words.into_iter().flat_map(u32::to_be_bytes)))
        {
            *to = from;
        }
        out
    }

    /// Writes a part of the log as the mailbox has it, and drops it.
    fn get_log(&mut self, out: &mut Output<'_>) -> Result<(), Refusal> {
        let part = self.log.part(self.config.log_part);
        let len = part.len();
        let at = out.len;
        out.u32(len as u32 + 4)?;
        out.u32(0)?;
        out.put(part)?;
        self.log.drain(len);
        out.patch(at + 4, u32::from(!self.log.is_empty()));
        Ok(())
    }

    /// Writes a part of the log as a vendor defined message has it, and drops it.
    pub(crate) fn get_log_vdm(&mut self, out: &mut Output<'_>) -> Result<(), Refusal> {
        let part = self.log.part(self.config.log_part);
        let len = part.len();
        let at = out.len;
        out.u32(0)?;
        out.sized(part)?;
        self.log.drain(len);
        out.patch(at, u32::from(!self.log.is_empty()));
        Ok(())
    }

    pub(crate) fn clear_log(&mut self) {
        self.log.clear();
    }
}
