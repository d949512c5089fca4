//! Answers that go to a file, however large they are.

use oneex_sdk::{CancellationToken, OpError, OpResult};
use reqwest::header::{ETAG, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use super::{Client, failure, plain, retry};
use crate::http::request::{Request, Response, shown};

impl Client {
    /// Sends a request and writes the answer to `file`, which is empty. A connection that breaks is made again and goes
    /// on where the file ends, as long as the server says that the content is still the same and each attempt brings
    /// something. Statuses are those of [`Self::send`]; the timeout is for what comes next, not for the whole.
    pub async fn save(&self, request: &Request, file: &mut File, cancel: &CancellationToken) -> OpResult<()> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(OpError::cancelled()),
            saved = self.save_all(request, file) => saved,
        }
    }

    async fn save_all(&self, request: &Request, file: &mut File) -> OpResult<()> {
        let mut partial = Partial::default();
        let allowed = retry::allowed(request, self.settings.retries);
        let mut attempt = 0;
        loop {
            let before = partial.length;
            let outcome = self.save_once(request, file, &mut partial).await;
            let Err(failed) = outcome else { return Ok(()) };
            if partial.length > before {
                attempt = 0;
            }
            match failed {
                Failed::Finally(error) => return Err(error),
                Failed::Perhaps(error) if attempt >= allowed => return Err(error),
                Failed::Perhaps(_) => tokio::time::sleep(self.settings.backoff * (1 << attempt.min(6))).await,
            }
            attempt += 1;
        }
    }

    async fn save_once(
        &self,
        request: &Request,
        file: &mut File,
        partial: &mut Partial,
    ) -> Result<(), Failed> {
        let broken =
            |error: std::io::Error| Failed::Finally(OpError::failed(format!("the download: {error}")));
        let (mut answer, request) = self.answer(request, partial).await?;
        let status = answer.status().as_u16();
        if !request.ok_status.contains(status) {
            let headers = plain(answer.headers());
            let mut body = String::new();
            while let (Ok(Some(chunk)), true) = (answer.chunk().await, body.len() < 4096) {
                body.push_str(&String::from_utf8_lossy(&chunk));
            }
            let response = Response { status, headers, body, url: shown(&request.url) };
            let error = failure::status(request.method, &response);
            let is_passing = matches!(status, 429 | 502 | 503 | 504);
            return Err(if is_passing { Failed::Perhaps(error) } else { Failed::Finally(error) });
        }
        if status != 206 {
            // The whole of it, from its start.
            partial.length = 0;
            file.set_len(0).await.map_err(broken)?;
        }
        partial.mark = [ETAG, LAST_MODIFIED]
            .iter()
            .find_map(|name| answer.headers().get(name)?.to_str().ok())
            .filter(|mark| !mark.starts_with("W/"))
            .map(str::to_owned);
        file.seek(std::io::SeekFrom::Start(partial.length)).await.map_err(broken)?;
        loop {
            let chunk =
                tokio::time::timeout(request.timeout.unwrap_or(self.settings.timeout), answer.chunk());
            let chunk = match chunk.await {
                Ok(chunk) => {
                    chunk.map_err(|error| Failed::Perhaps(failure::connection(&error, &request.url)))?
                }
                Err(_) => {
                    let message = format!("`{}` sent nothing for too long", shown(&request.url));
                    return Err(Failed::Perhaps(OpError::timeout(message)));
                }
            };
            let Some(chunk) = chunk else { break };
            file.write_all(&chunk).await.map_err(broken)?;
            partial.length += chunk.len() as u64;
        }
        file.flush().await.map_err(broken)
    }

    /// The answer behind all redirects, with its body still to come.
    async fn answer(
        &self,
        request: &Request,
        partial: &Partial,
    ) -> Result<(reqwest::Response, Request), Failed> {
        let mut request = request.clone();
        for _ in 0..=self.settings.redirects {
            self.meter.count(false);
            let mut prepared = self.prepare(&request).map_err(Failed::Finally)?;
            if let Some(mark) = partial.mark.as_ref().filter(|_| partial.length > 0) {
                prepared =
                    prepared.header(RANGE, format!("bytes={}-", partial.length)).header(IF_RANGE, mark);
            }
            // The client's own limit is for a whole answer.
            let sent = prepared.timeout(std::time::Duration::from_secs(24 * 60 * 60)).send();
            let limit = request.timeout.unwrap_or(self.settings.timeout);
            let answer = match tokio::time::timeout(limit, sent).await {
                Ok(answer) => {
                    answer.map_err(|error| Failed::Perhaps(failure::connection(&error, &request.url)))?
                }
                Err(_) => {
                    let message =
                        format!("`{}` did not answer within {} s", shown(&request.url), limit.as_secs());
                    return Err(Failed::Perhaps(OpError::timeout(message)));
                }
            };
            let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            match self.redirected(&request, answer.status().as_u16(), location).map_err(Failed::Finally)? {
                None => return Ok((answer, request)),
                Some(next) => request = next,
            }
        }
        Err(Failed::Finally(self.too_many_redirects(&request)))
    }
}

/// What arrived so far, and by what the server tells whether it is still the same.
#[derive(Default)]
struct Partial {
    length: u64,
    mark: Option<String>,
}

enum Failed {
    /// It would fail again.
    Finally(OpError),
    /// It may have been chance.
    Perhaps(OpError),
}
