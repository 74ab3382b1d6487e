//! The bearer token that TCP requires.

use std::hint::black_box;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;

use super::router::refuse;
use crate::api::ApiError;

/// What a client must present as `Authorization: Bearer …`.
#[derive(Clone)]
pub(crate) struct Token(Arc<str>);

impl Token {
    /// Shorter secrets can be guessed.
    pub(crate) const LENGTH_MIN: usize = 16;

    /// The text without surrounding white space, if it is long enough and can stand in a header.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() < Self::LENGTH_MIN {
            return Err(format!("the token is shorter than {} characters", Self::LENGTH_MIN));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token holds spaces or characters that are not ASCII".to_owned());
        }
        Ok(Self(text.into()))
    }

    /// Compares in a time that depends on the length alone.
    fn matches(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        own.len() == given.len() && black_box(own.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b))) == 0
    }
}

/// Lets a request through only with the token.
pub(crate) async fn require(State(token): State<Token>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match given.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(given) if token.matches(given.trim()) => next.run(request).await,
        given => refuse(
            &ApiError::new("unauthorized", if given.is_some() { "the token is wrong" } else { "a token is required" })
                .help("give the host's token: --token, or STEAD_TOKEN in the environment"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_token_matches() {
        let token = Token::new(" 0123456789abcdef\n").unwrap();
        assert!(token.matches("0123456789abcdef"));
        assert!(!token.matches("0123456789abcdeF"));
        assert!(!token.matches("0123456789abcde"));
        assert!(!token.matches(""));
        assert!(Token::new("short").is_err());
    }
}
