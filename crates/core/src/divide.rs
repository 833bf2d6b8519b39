//! Division of 64 bits, for where time does not count.

/// `dividend / divisor`, a bit at a time; 0 for the divisor 0. A processor of 32 bits has no instruction for this, and the
/// compiler's routine takes five times the flash. So this is for what is done now and then, not with every frame.
#[inline(never)]
pub const fn quotient(dividend: u64, divisor: u64) -> u64 {
    if divisor == 0 {
        return 0;
    }
    let mut quotient = dividend;
    let mut rest = 0u64;
    let mut bit = 0;
    while bit < u64::BITS {
        // The bit that `rest` has no room for: with it `rest` is above any divisor.
        let over = rest >> 63 != 0;
        rest = (rest << 1) | (quotient >> 63);
        quotient <<= 1;
        if over || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
        bit += 1;
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_quotient(dividend: u64, divisor: u64, shift in 0u32..64) {
            let divisor = divisor >> shift;
            let right = dividend.checked_div(divisor).unwrap_or(0);
            prop_assert_eq!(quotient(dividend, divisor), right);
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        for divisor in [1, 2, 10, u64::MAX >> 1, 1 << 63, u64::MAX - 1, u64::MAX] {
            for dividend in [0, 1, 9, 10, 1 << 63, u64::MAX - 1, u64::MAX] {
                assert_eq!(quotient(dividend, divisor), dividend / divisor);
            }
        }
        assert_eq!(quotient(1, 0), 0);
    }
}
