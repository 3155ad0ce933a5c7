//! An S3 server of its own: the example `s3_server` of the package `providers`.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use runtime::config::S3Config;
use tokio::net::TcpStream;

use super::{Program, free_port, locate};
use crate::wait::{self, Look};

/// How long it may take to answer.
const START: Duration = Duration::from_secs(10);

/// A server that keeps its objects in a folder, and that can be killed and started again on the same port.
#[derive(Debug)]
pub struct S3 {
    port: u16,
    folder: PathBuf,
    program: Option<Program>,
}

impl S3 {
    /// Starts it without any bucket, and waits until it listens.
    ///
    /// # Errors
    /// When it was not built or does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir(folder.join("buckets")).context("cannot make a folder")?;
        let mut s3 = Self { port: free_port()?, folder: folder.to_owned(), program: None };
        s3.start_again().await?;
        Ok(s3)
    }

    /// How to reach a bucket that is not made yet.
    pub fn settings(&self) -> S3Config {
        S3Config {
            bucket: "heliograph".into(),
            endpoint: Some(self.url()),
            access_key_id: "heliograph".into(),
            secret_access_key: "a secret of the object store under test".into(),
            allow_http: true,
            ..S3Config::default()
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The folder in which the bucket keeps its objects.
    pub fn bucket(&self) -> PathBuf {
        self.folder.join("buckets/heliograph")
    }

    /// Kills it.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        match self.program.take() {
            Some(program) => program.kill().await,
            None => Ok(()),
        }
    }

    /// Starts it with what it kept, unless it runs.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        if self.program.is_some() {
            return Ok(());
        }
        let path = locate("examples/s3_server").context("build it with: cargo build -p providers --example s3_server")?;
        let (buckets, port) = (self.folder.join("buckets"), self.port.to_string());
        let arguments = [buckets.to_str().context("the folder has no name")?, &port];
        self.program = Some(Program::start("s3", &path, &arguments, &[], &self.folder, &self.folder.join("s3.log"))?);
        wait::until(START, async || Ok(Look::at(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await)))
            .await
            .context("the S3 server does not start")?;
        Ok(())
    }
}
