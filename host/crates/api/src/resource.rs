//! The one shape of a resource and the one shape of a list.
//!
//! A resource is `{kind, id, href, …}` with its own fields beside; a list is
//! `{items, next_cursor}`. A cursor is opaque to clients: they hand back what they were given.

use std::str::FromStr;

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::codes;
use crate::error::ApiError;
use crate::limits::ApiLimits;

/// Something of the tenant.
#[derive(Debug, Serialize)]
pub(crate) struct Resource<T> {
    kind: &'static str,
    id: String,
    href: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: Serialize> Resource<T> {
    pub(crate) const fn new(kind: &'static str, id: String, href: String, fields: T) -> Self {
        Self { kind, id, href, fields }
    }

    /// The fields of its own.
    pub(crate) const fn fields(&self) -> &T {
        &self.fields
    }

    /// The resource with that status and where it is found.
    pub(crate) fn respond(self, status: StatusCode) -> Response {
        let location = HeaderValue::try_from(&self.href);
        let mut response = (status, Json(self)).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    /// The items, in the list's order.
    pub(crate) items: Vec<Resource<T>>,
    /// What to send as `?cursor=` for the next page; none: this is the last.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `items_max` from one item more than that, if there is one.
    pub(crate) fn cut(mut items: Vec<Resource<T>>, items_max: usize) -> Self {
        let more = items.len() > items_max;
        items.truncate(items_max);
        let next_cursor = items.last().filter(|_| more).map(|last| last.id.clone());
        Self { items, next_cursor }
    }

    /// A page of a list that is read whole and stands in an order of its own.
    ///
    /// # Errors
    /// The cursor is none of its ids.
    pub(crate) fn of_sorted(mut items: Vec<Resource<T>>, at: &PageAt) -> Result<Self, ApiError> {
        if let Some(cursor) = &at.cursor {
            let place = items.iter().position(|item| item.id == *cursor);
            let place = place.ok_or_else(bad_cursor)?;
            items.drain(..=place);
        }
        Ok(Self::cut(items, at.items_max))
    }

    /// A page of a list that is small enough to be read whole: what comes after the cursor, in the
    /// order of the ids.
    pub(crate) fn of_whole(mut items: Vec<Resource<T>>, at: &PageAt) -> Self {
        items.sort_by(|left, right| left.id.cmp(&right.id));
        if let Some(cursor) = &at.cursor {
            items.retain(|item| item.id > *cursor);
        }
        Self::cut(items, at.items_max)
    }
}

/// Which page is asked for, as the query says it.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Items of the page at most; by default 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which page is asked for.
#[derive(Debug)]
pub(crate) struct PageAt {
    pub(crate) items_max: usize,
    pub(crate) cursor: Option<String>,
}

impl PageAt {
    /// The cursor as that of which pages of this list make one.
    ///
    /// # Errors
    /// No page made it.
    pub(crate) fn cursor_as<T: FromStr>(&self) -> Result<Option<T>, ApiError> {
        self.cursor.as_deref().map(str::parse::<T>).transpose().map_err(|_| bad_cursor())
    }
}

fn bad_cursor() -> ApiError {
    ApiError::new(&codes::MALFORMED, "cursor is none that a page of this list gave")
}

impl PageQuery {
    /// Of a query that has more fields.
    pub(crate) const fn of(limit: Option<usize>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// # Errors
    /// More items than the limit are asked for, or none.
    pub(crate) fn checked(self, limits: &ApiLimits) -> Result<PageAt, ApiError> {
        let items_max = self.limit.unwrap_or(limits.page_items_default);
        if (1..=limits.page_items_max).contains(&items_max) {
            return Ok(PageAt { items_max, cursor: self.cursor });
        }
        let detail = format!("limit is a number from 1 to {}", limits.page_items_max);
        Err(ApiError::new(&codes::MALFORMED, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(ids: &[&str]) -> Vec<Resource<()>> {
        ids.iter().map(|id| Resource::new("thing", (*id).into(), String::new(), ())).collect()
    }

    fn walk(ids: &[&str], items_max: usize) -> Vec<String> {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page::of_whole(items(ids), &PageAt { items_max, cursor });
            let of_page: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
            pages.push(of_page.join(" "));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn pages_hold_each_item_once_and_the_last_has_no_cursor() {
        assert_eq!(walk(&["c", "a", "e", "b", "d"], 2), ["a b", "c d", "e"]);
        assert_eq!(walk(&["b", "a"], 2), ["a b"]);
        assert_eq!(walk(&[], 2), [""]);
    }
}
