//! Signed messages, made by OpenSSL and by a forger: one program, so that it is linked once.

mod accepted;
mod attacks;
mod bounds;
mod differential;
mod forge;
mod openssl;
mod people;
mod refused;
