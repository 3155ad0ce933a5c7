//! A bucket of an S3-compatible service.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential},
    client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody},
    path::Path,
    signer::{Method, Signer},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::ObjectError;
use crate::http;

/// Limit for name resolution, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest silence while an answer is read.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// Who asks learns soon that the store is away: after so many tries, or when so much time went by.
const RETRIES: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a bucket is, and who asks.
#[derive(Clone, Debug)]
pub struct BucketOptions {
    /// Base address of the service; none is that of AWS in the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Names the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: SecretString,
    /// Whether the bucket is named in the path, as most services of one's own want it, or in the host, as AWS wants it.
    pub path_style: bool,
    /// Whether requests may go without TLS, to a service in a network of one's own.
    pub allow_http: bool,
}

#[derive(Debug)]
pub(super) struct Bucket {
    store: Arc<AmazonS3>,
    http: reqwest::Client,
    address: String,
    region: String,
    credential: AwsCredential,
}

/// Hands the library our client, whose behaviour is known.
#[derive(Debug)]
struct OurClient(reqwest::Client);

impl HttpConnector for OurClient {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

impl Bucket {
    pub(super) fn open(options: &BucketOptions) -> Result<Self, ObjectError> {
        let http = http::streaming_client(CONNECT_TIMEOUT, READ_TIMEOUT)?;
        let BucketOptions { endpoint, region, bucket, access_key_id, secret_access_key, path_style, allow_http } = options;
        let endpoint = match endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://s3.{region}.amazonaws.com"),
        };
        let host_address = match endpoint.split_once("://") {
            Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
            None => return Err(ObjectError::Settings("the endpoint is no address")),
        };
        let (base, address) =
            if *path_style { (endpoint.clone(), format!("{endpoint}/{bucket}")) } else { (host_address.clone(), host_address) };
        let store = AmazonS3Builder::new()
            .with_endpoint(base)
            .with_virtual_hosted_style_request(!path_style)
            .with_allow_http(*allow_http)
            .with_region(region)
            .with_bucket_name(bucket)
            .with_access_key_id(access_key_id)
            .with_secret_access_key(secret_access_key.expose_secret())
            .with_retry(RetryConfig {
                backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(1), base: 2.0 },
                max_retries: RETRIES,
                retry_timeout: RETRY_TIMEOUT,
            })
            .with_http_connector(OurClient(http.clone()))
            .build()
            .map_err(ObjectError::Store)?;
        let credential =
            AwsCredential { key_id: access_key_id.clone(), secret_key: secret_access_key.expose_secret().to_owned(), token: None };
        Ok(Self { store: Arc::new(store), http, address, region: region.clone(), credential })
    }

    pub(super) fn store(&self) -> Arc<dyn object_store::ObjectStore> {
        Arc::<AmazonS3>::clone(&self.store)
    }

    /// Makes the bucket. One that exists already is as good.
    ///
    /// The library reads and writes objects only, so this one request is ours, signed by the library.
    pub(super) async fn make(&self) -> Result<(), ObjectError> {
        let body = if self.region == "us-east-1" {
            // The one region that must not be named (S3 reference, CreateBucket).
            String::new()
        } else {
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}</LocationConstraint>\
                 </CreateBucketConfiguration>",
                self.region
            )
        };
        let mut request = HttpRequest::new(HttpRequestBody::from(body.clone()));
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = self.address.parse().map_err(|_| ObjectError::Settings("the endpoint is no address"))?;
        AwsAuthorizer::new(&self.credential, "s3", &self.region).try_authorize(&mut request, None).map_err(ObjectError::Store)?;
        let sent = self.http.put(&self.address).headers(request.headers().clone()).body(body).timeout(READ_TIMEOUT).send().await;
        let answer = sent.map_err(|error| ObjectError::Bucket(error.without_url().into()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let text = answer.text().await.unwrap_or_default();
        // 409 is also said while it is being deleted: then the next look finds it missing.
        if ["BucketAlreadyOwnedByYou", "BucketAlreadyExists"].iter().any(|code| text.contains(code)) {
            return Ok(());
        }
        let start: String = text.chars().take(300).collect();
        Err(ObjectError::Bucket(format!("{status}: {start}").into()))
    }

    pub(super) async fn link(&self, path: &Path, lasts: Duration) -> Result<Url, ObjectError> {
        self.store.signed_url(Method::GET, path, lasts).await.map_err(ObjectError::Store)
    }
}
