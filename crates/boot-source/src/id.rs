//! Firmware ids, and the octet that messages have for them.

use crate::error::BootSourceError;

/// A firmware id. Messages have one octet for it; see [`IdMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FirmwareId(pub u32);

impl FirmwareId {
    /// Caliptra FMC and RT, recovery image 0.
    pub const CALIPTRA: Self = Self(0);
    /// SoC manifest, recovery image 1.
    pub const SOC_MANIFEST: Self = Self(1);
    /// MCU RT, recovery image 2.
    pub const MCU_RT: Self = Self(2);
    /// The first id of a SoC image. The last one is 0x1FFF_FFFF.
    pub const FIRST_SOC_IMAGE: Self = Self(0x1000_0000);
}

/// Which octet stands for which id on the wire.
///
/// Ids up to 255 stand for themselves. The protocol gives SoC images ids from 0x1000_0000, which no octet can hold: a board that
/// fetches them names an octet for each. An id that has none is refused, never shortened, because the lowest octet of
/// 0x1000_0000 is that of Caliptra's own firmware.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdMap<'c> {
    /// Octets that stand for other ids than their own value. Each id and each octet may stand here once.
    pub named: &'c [(u8, FirmwareId)],
}

impl IdMap<'_> {
    /// The octet of an id.
    ///
    /// # Errors
    /// Fails with `IdNotOnWire` when no octet stands for it.
    pub fn octet(&self, id: FirmwareId) -> Result<u8, BootSourceError> {
        for (octet, named) in self.named {
            if *named == id {
                return Ok(*octet);
            }
        }
        match u8::try_from(id.0) {
            Ok(octet) if self.id(octet) == id => Ok(octet),
            _ => Err(BootSourceError::IdNotOnWire { id: id.0 }),
        }
    }

    /// The id that an octet stands for.
    pub fn id(&self, octet: u8) -> FirmwareId {
        for (named, id) in self.named {
            if *named == octet {
                return *id;
            }
        }
        FirmwareId(u32::from(octet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_does_not_fit_is_refused_and_never_shortened() {
        let map = IdMap::default();
        for id in [0, 1, 2, 0xFF] {
            assert_eq!(map.octet(FirmwareId(id)), Ok(id as u8));
            assert_eq!(map.id(id as u8), FirmwareId(id));
        }
        for id in [0x100, 0x1000_0000, 0x1000_0002, u32::MAX] {
            let refused = Err(BootSourceError::IdNotOnWire { id });
            assert_eq!(map.octet(FirmwareId(id)), refused);
        }
    }

    #[test]
    fn a_named_octet_stands_for_its_id_and_no_longer_for_itself() {
        let named = [
            (0x10, FirmwareId(0x1000_0000)),
            (0x11, FirmwareId(0x1000_0001)),
        ];
        let map = IdMap { named: &named };
        assert_eq!(map.octet(FirmwareId(0x1000_0001)), Ok(0x11));
        assert_eq!(map.id(0x10), FirmwareId::FIRST_SOC_IMAGE);
        let refused = Err(BootSourceError::IdNotOnWire { id: 0x10 });
        assert_eq!(map.octet(FirmwareId(0x10)), refused);
    }
}
