//! The function that each block goes through (FIPS 180-4, section 6.2.2).
//!
//! It is written so that a compiler for a processor with 31 registers keeps in registers what is used in each round, and nothing else:
//!
//! - Eight rounds are one round of a loop. After eight rounds the eight variables have changed their places once around, so nothing is moved.
//! - The last sixteen words of the message schedule lie in memory, as `AtomicU32`. A word is loaded and stored where that is written. As plain words a compiler would compute many
//!   of them ahead, and then store the results beside the words.
//! - A word that the next round uses again is handed on: `w[t - 15]` is the next round's `w[t - 16]`, and the last two words are not loaded.
//! - `a ^ b` is handed on, too: it is the next round's `b ^ c`, of which the majority is made.

use core::hint::black_box;
use core::mem::swap;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Constants of eight rounds.
type Constants = [u32; 8];
/// Eight words of the message schedule.
type Words = [AtomicU32; 8];

/// The constants of the rounds that take the words of the block (FIPS 180-4, section 4.2.2).
#[rustfmt::skip]
const FIRST: [Constants; 2] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
];

/// The constants of the other rounds.
#[rustfmt::skip]
const OTHERS: [Constants; 6] = [
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// What goes from round to round.
struct Rounds<'w> {
    /// The variables `a` to `h`. In round `t` of eight, `a` is the one at `8 - t`, `b` the one behind it, and so on, around the end.
    variables: [u32; 8],
    /// `b ^ c`.
    b_xor_c: u32,
    /// The words of these eight rounds: those of sixteen rounds ago until the present ones are stored over them.
    words: &'w Words,
    /// The words of the eight rounds before.
    before: &'w Words,
    /// The word of sixteen rounds ago.
    w16: u32,
    /// The word of the round before the last one.
    w2: u32,
    /// The word of the last round.
    w1: u32,
}

impl Rounds<'_> {
    /// Round `T` of eight, with a word of the block.
    #[inline(always)]
    fn first<const T: usize>(&mut self, constants: &Constants, block: &[[u8; 4]; 8]) {
        let word = u32::from_be_bytes(block[T]);
        self.round::<T>(constants, word);
    }

    /// Round `T` of eight, with the next word of the message schedule.
    #[inline(always)]
    fn next<const T: usize>(&mut self, constants: &Constants) {
        let (w15, w7) = match T {
            7 => (&self.before[0], &self.words[0]),
            _ => (&self.words[(T + 1) % 8], &self.before[(T + 1) % 8]),
        };
        let (w15, w2) = (w15.load(Relaxed), self.w2);
        let word = self
            .w16
            .wrapping_add(w15.rotate_right(7) ^ w15.rotate_right(18) ^ (w15 >> 3))
            .wrapping_add(w7.load(Relaxed))
            .wrapping_add(w2.rotate_right(17) ^ w2.rotate_right(19) ^ (w2 >> 10));
        self.w16 = w15;
        self.round::<T>(constants, word);
    }

    /// Round `T` of eight, with its word.
    #[inline(always)]
    fn round<const T: usize>(&mut self, constants: &Constants, word: u32) {
        self.words[T].store(word, Relaxed);
        (self.w2, self.w1) = (self.w1, word);
        let place = |letter: u8| (usize::from(letter - b'a') + 8 - T) % 8;
        let v = &mut self.variables;
        let (a, b) = (v[place(b'a')], v[place(b'b')]);
        let (e, f, g, h) = (
            v[place(b'e')],
            v[place(b'f')],
            v[place(b'g')],
            v[place(b'h')],
        );
        let one = h
            .wrapping_add(constants[T])
            .wrapping_add(word)
            .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
            .wrapping_add(g ^ (e & (f ^ g)));
        let a_xor_b = a ^ b;
        let two = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
            .wrapping_add(b ^ (a_xor_b & self.b_xor_c));
        self.b_xor_c = a_xor_b;
        v[place(b'd')] = v[place(b'd')].wrapping_add(one);
        v[place(b'h')] = one.wrapping_add(two);
    }
}

/// Eight rounds of one kind.
macro_rules! eight {
    ($rounds:ident.$kind:ident($($argument:ident),*)) => {
        $rounds.$kind::<0>($($argument),*);
        $rounds.$kind::<1>($($argument),*);
        $rounds.$kind::<2>($($argument),*);
        $rounds.$kind::<3>($($argument),*);
        $rounds.$kind::<4>($($argument),*);
        $rounds.$kind::<5>($($argument),*);
        $rounds.$kind::<6>($($argument),*);
        $rounds.$kind::<7>($($argument),*);
        swap(&mut $rounds.words, &mut $rounds.before);
    };
}

/// Takes blocks into the state. `netboot-hot.x` of `netboot-rom-support` knows it by its name.
#[inline(never)]
pub(crate) fn compress256(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    let memory: [Words; 2] = [const { [const { AtomicU32::new(0) }; 8] }; 2];
    // What may be looked at from elsewhere is not taken apart into registers.
    let [words, before] = black_box(&memory);
    // Without this the loop is unrolled, and each constant is two instructions.
    let others = black_box(&OTHERS);
    for block in blocks {
        let mut rounds = Rounds {
            variables: *state,
            b_xor_c: state[1] ^ state[2],
            words,
            before,
            w16: 0,
            w2: 0,
            w1: 0,
        };
        let halves = block.as_chunks::<4>().0.as_chunks::<8>().0;
        for (constants, half) in black_box(&FIRST).iter().zip(halves) {
            eight!(rounds.first(constants, half));
        }
        rounds.w16 = rounds.words[0].load(Relaxed);
        for constants in others {
            eight!(rounds.next(constants));
        }
        for (word, variable) in state.iter_mut().zip(rounds.variables) {
            *word = word.wrapping_add(variable);
        }
    }
}
