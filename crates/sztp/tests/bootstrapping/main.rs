//! Devices and bootstrap servers, with artifacts that OpenSSL makes.

mod agent;
mod attacks;
mod people;
mod redirects;
mod world;
