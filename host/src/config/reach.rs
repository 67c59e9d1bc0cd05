//! What the configuration says of how much agents may remember, send and ask.

use std::time::Duration;

use wforge_effects::llm::ModelLimits;
use wforge_effects::mcp::McpLimits;
use wforge_effects::outbound::{EgressOptions, HEADERS_MAX};
use wforge_effects::{BlobLimits, FetchLimits, KvLimits};

use super::Meant;
use super::keys::RawConfig;

/// The limits of what agents do beyond their sandbox.
#[derive(Debug, Clone)]
pub(crate) struct ReachLimits {
    pub(crate) kv: KvLimits,
    pub(crate) blobs: BlobLimits,
    pub(crate) fetch: FetchLimits,
    pub(crate) models: ModelLimits,
    pub(crate) mcp: McpLimits,
    pub(crate) egress: EgressOptions,
}

impl Meant<'_> {
    pub(super) fn reach(&mut self, raw: &RawConfig) -> Option<ReachLimits> {
        let size = |count: Option<u32>| usize::try_from(count?).ok();
        let ms = |count: Option<u64>| Some(Duration::from_millis(count?));
        self.at_least_1("limits.http.timeout_ms", raw.http_timeout_ms);
        self.at_least_1("limits.http.timeout_ms_max", raw.http_timeout_ms_max);
        self.at_least_1("limits.outbound.connect_ms_max", raw.outbound_connect_ms_max);
        self.at_least_1("limits.mcp.timeout_ms", raw.mcp_timeout_ms);
        let headers_max = size(raw.outbound_headers_max);
        if headers_max.is_some_and(|max| max > HEADERS_MAX) {
            let message = format!("is more than one message can have, {HEADERS_MAX}");
            self.error("limits.outbound.headers_max", &message, "write less");
        }
        Some(ReachLimits {
            kv: KvLimits {
                key_bytes_max: size(raw.kv_key_bytes_max)?,
                value_bytes_max: size(raw.kv_value_bytes_max)?,
                space_keys_max: raw.kv_keys_max?,
                space_bytes_max: raw.kv_bytes_max?,
                page_bytes_max: raw.kv_page_bytes_max?,
            },
            blobs: BlobLimits {
                blob_bytes_max: size(raw.blob_bytes_max)?,
                read_bytes_max: size(raw.blob_read_bytes_max)?,
                held_bytes_max: size(raw.blob_held_bytes_max)?,
            },
            fetch: FetchLimits {
                inline_bytes_max: size(raw.http_inline_bytes_max)?,
                request_bytes_max: size(raw.http_request_bytes_max)?,
                response_bytes_max: raw.http_response_bytes_max?,
                timeout: ms(raw.http_timeout_ms)?,
                timeout_max: ms(raw.http_timeout_ms_max)?,
            },
            models: self.models(raw)?,
            mcp: McpLimits { timeout_ms: raw.mcp_timeout_ms?, tools_max: size(raw.mcp_tools_max)? },
            egress: EgressOptions {
                connect_timeout: ms(raw.outbound_connect_ms_max)?,
                headers_max: headers_max?,
                header_bytes_max: size(raw.outbound_header_bytes_max)?,
                ..EgressOptions::default()
            },
        })
    }

    /// A model that may take longer than the plugin that asks it would never be heard.
    fn models(&mut self, raw: &RawConfig) -> Option<ModelLimits> {
        let (mut timeout_ms, wall_ms) = (raw.models_timeout_ms?, raw.sandbox_wall_ms_max?);
        // The default gives way: nobody wrote it.
        if timeout_ms == ModelLimits::default().timeout_ms {
            timeout_ms = timeout_ms.min(wall_ms);
        }
        self.at_least_1("limits.models.timeout_ms", Some(timeout_ms));
        if timeout_ms > wall_ms {
            let message =
                format!("{timeout_ms} is more than limits.sandbox.wall_ms_max, {wall_ms}");
            self.error("limits.models.timeout_ms", &message, "write less, or raise the other");
        }
        Some(ModelLimits {
            timeout_ms,
            retries_max: raw.models_retries_max?,
            retry_wait_ms_max: raw.models_retry_wait_ms_max?,
            answer_bytes_max: raw.models_answer_bytes_max?,
            file_bytes_max: usize::try_from(raw.models_file_bytes_max?).ok()?,
        })
    }
}
