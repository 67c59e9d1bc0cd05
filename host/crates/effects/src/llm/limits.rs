//! What a question to a model may take, where the model's own entry says nothing.

/// The limits of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelLimits {
    /// Time for one request and its whole answer, in milliseconds.
    pub timeout_ms: u64,
    /// How often a request is sent again after 429, 5xx or no connection.
    pub retries_max: u32,
    /// The longest wait before a retry, in milliseconds.
    pub retry_wait_ms_max: u64,
    /// The largest answer, in bytes.
    pub answer_bytes_max: u64,
    /// All files of one question together, in bytes. No entry says another.
    pub file_bytes_max: usize,
}

impl Default for ModelLimits {
    /// A question and two retries fit into the time that a sandbox has by default.
    fn default() -> Self {
        Self {
            timeout_ms: 60_000,
            retries_max: 2,
            retry_wait_ms_max: 30_000,
            answer_bytes_max: 4 << 20,
            file_bytes_max: 8 << 20,
        }
    }
}
