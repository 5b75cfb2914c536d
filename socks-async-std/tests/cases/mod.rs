//! Everything that has to work under each runtime. The crate that this is part of says with its `run` and `spawn` under
//! which.

mod cancel;
mod connect;
mod deadline;
mod failover;
mod listener;
mod resolve;
mod stream;
mod udp;
