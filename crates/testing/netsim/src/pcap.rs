//! Classic packet capture files: the `libpcap` format with microseconds, LINKTYPE_ETHERNET.
//!
//! Format: draft-ietf-opsawg-pcap. Readable by Wireshark and tcpdump. The clock of the simulation starts
//! at the epoch.

use netboot_core::Instant;
use std::io::{self, Write};

/// Microsecond time stamps, in the writer's octet order (always little-endian here).
const MAGIC: u32 = 0xA1B2_C3D4;
/// Version 2.4 of the format.
const VERSION: [u16; 2] = [2, 4];
/// Longest frame that is kept whole.
const SNAPLEN: u32 = 0x0004_0000;
/// LINKTYPE_ETHERNET
const LINKTYPE: u32 = 1;

/// Writes frames to a capture file.
pub struct PcapWriter<W: Write> {
    out: W,
    record: Vec<u8>,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut head = Vec::with_capacity(24);
        head.extend_from_slice(&MAGIC.to_le_bytes());
        head.extend_from_slice(&VERSION[0].to_le_bytes());
        head.extend_from_slice(&VERSION[1].to_le_bytes());
        head.extend_from_slice(&[0; 8]);
        head.extend_from_slice(&SNAPLEN.to_le_bytes());
        head.extend_from_slice(&LINKTYPE.to_le_bytes());
        out.write_all(&head)?;
        Ok(Self {
            out,
            record: Vec::new(),
        })
    }

    /// Appends one frame, in a single write.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn frame(&mut self, at: Instant, frame: &[u8]) -> io::Result<()> {
        let micros = at.as_micros();
        let kept = &frame[..frame.len().min(SNAPLEN as usize)];
        let numbers = [
            // Seconds wrap in 2106; a simulation that long has other worries.
            (micros / 1_000_000) as u32,
            (micros % 1_000_000) as u32,
            kept.len() as u32,
            u32::try_from(frame.len()).unwrap_or(u32::MAX),
        ];
        self.record.clear();
        for number in numbers {
            self.record.extend_from_slice(&number.to_le_bytes());
        }
        self.record.extend_from_slice(kept);
        self.out.write_all(&self.record)
    }

    /// Flushes and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_as_wireshark_expects() {
        let mut pcap = PcapWriter::new(Vec::new()).unwrap();
        pcap.frame(Instant::from_micros(2_000_003), &[0xAA; 60])
            .unwrap();
        let file = pcap.finish().unwrap();
        #[rustfmt::skip]
        let expected = [
            0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
            2, 0, 0, 0, 3, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0,
        ];
        assert_eq!(file[..40], expected);
        assert_eq!(file[40..], [0xAA; 60]);
    }
}
