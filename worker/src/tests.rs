//! Jobs under a real runner, a real database and, where one is needed, a Redis of the test's own.

mod doorbell;
mod redis_server;
mod rig;
mod running;
