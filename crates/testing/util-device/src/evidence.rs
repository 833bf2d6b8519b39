//! Commands with signatures and challenges: evidence, signing requests, debug unlock.

use crate::attest;
use crate::crypto::ec;
use crate::device::Device;
use crate::input::{Input, Output};
use crate::refusal::Refusal;

impl Device {
    pub(crate) fn attest(
        &mut self,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        let (format, algorithm, entity) = (input.u32()?, input.u32()?, input.u32()?);
        let nonce: [u8; 32] = input.array()?;
        input.end()?;
        if format == 0 {
            out.u32(8)?;
            out.u32(0)?;
            return out.u32(1 << 1);
        }
        match (format, algorithm, entity) {
            (1, 1, 0) => {}
            (1, 1 | 2, 0 | 1) | (2, 1 | 2, 0 | 1) => return Err(Refusal::UNSUPPORTED),
            _ => return Err(Refusal::PARAMETER),
        }
        let version = self.version(1)?;
        let at = out.len;
        out.u32(0)?;
        out.u32(format)?;
        let mut payload = [0; 160];
        let mut claims = Output::new(&mut payload);
        attest::claims(
            &nonce,
            &self.config.unique_id,
            version.as_bytes(),
            &mut claims,
        )?;
        let len = claims.len;
        attest::sign1(
            &self.attestation_key,
            payload.get(..len).unwrap_or_default(),
            out,
        )?;
        let data = (out.len - at - 4) as u32;
        out.patch(at, data);
        Ok(())
    }

    pub(crate) fn attested_csr(
        &mut self,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        let (key, algorithm) = (input.u32()?, input.u32()?);
        let nonce: [u8; 32] = input.array()?;
        input.end()?;
        match (key, algorithm) {
            (1..=3, 1) => {}
            (0..=3, 1 | 2) => return Err(Refusal::UNSUPPORTED),
            _ => return Err(Refusal::PARAMETER),
        }
        // The device's keys are derived from the attestation key, so that each is another.
        let mut seed = self.attestation_key;
        if let Some(last) = seed.last_mut() {
            *last ^= key as u8;
        }
        let mut payload = [0; 200];
        let mut claims = Output::new(&mut payload);
        attest::claims(
            &nonce,
            &self.config.unique_id,
            &[b'0' + key as u8],
            &mut claims,
        )?;
        claims.put(&ec::public(&seed)?)?;
        let len = claims.len;
        let at = out.len;
        out.u32(0)?;
        attest::sign1(
            &self.attestation_key,
            payload.get(..len).unwrap_or_default(),
            out,
        )?;
        let data = (out.len - at - 4) as u32;
        out.patch(at, data);
        Ok(())
    }

    pub(crate) fn unlock_request(
        &mut self,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        let (length, level) = (input.u32()?, input.array::<4>()?);
        input.end()?;
        if length != 2 || !matches!(level, [1..=8, 0, 0, 0]) {
            return Err(Refusal::PARAMETER);
        }
        let challenge = self.random.array();
        self.challenge = Some(challenge);
        out.u32(21)?;
        out.put(&self.config.unique_id)?;
        out.put(&challenge)
    }

    /// Looks at everything but the signatures, for which the model has no keys.
    pub(crate) fn unlock_token(&mut self, mut input: Input<'_>) -> Result<(), Refusal> {
        let words = input.u32()? as usize;
        if words * 4 != input.0.len() + 4 {
            return Err(Refusal::LENGTH);
        }
        let (id, level) = (input.array::<32>()?, input.array::<4>()?);
        let challenge = input.array()?;
        input.take(96 + 2592 + 96 + 4628)?;
        input.end()?;
        let expected = self.challenge.take();
        if id != self.config.unique_id
            || !matches!(level, [1..=8, 0, 0, 0])
            || expected != Some(challenge)
        {
            return Err(Refusal(0x0C));
        }
        Ok(())
    }
}
