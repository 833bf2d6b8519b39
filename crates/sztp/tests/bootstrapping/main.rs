//! Devices and bootstrap servers, with artifacts that OpenSSL makes.

mod agent;
mod attacks;
mod certificates;
mod people;
mod redirects;
mod world;
