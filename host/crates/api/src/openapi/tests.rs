use std::collections::BTreeSet;

use super::*;

fn named(method: &str, path: &str) -> String {
    format!("{method} {path}")
}

#[test]
fn every_route_has_an_operation_and_every_operation_a_route() {
    let operations = operations::all();
    let silent: Vec<String> = ROUTES
        .iter()
        .filter(|route| of_route(&operations, route).is_none())
        .map(|route| named(route.method, route.path))
        .collect();
    assert_eq!(silent, Vec::<String>::new(), "write their operations");
    let routes: BTreeSet<String> =
        ROUTES.iter().map(|route| named(route.method, route.path)).collect();
    let mut seen = BTreeSet::new();
    for operation in &operations {
        let name = named(operation.method, operation.path);
        assert!(routes.contains(&name), "{name} is no route");
        assert!(seen.insert(name.clone()), "{name} is described twice");
    }
}

#[test]
fn every_operation_of_a_route_has_an_id_of_its_own_and_a_place_for_its_example() {
    let document = document();
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = named(method, path);
            count += 1;
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(ids.insert(id), "{name}: its id is another's as well");
            let place = operation["x-wforge-example"]["order"].as_u64();
            assert!(places.insert(place.unwrap_or_else(|| panic!("{name} is not in the story"))));
        }
    }
    assert_eq!(count, ROUTES.len());
    assert_eq!(story::length(), ROUTES.len(), "the story tells of what is no route");
}

#[test]
fn what_is_referred_to_is_there() {
    let document = document();
    let mut wrong = Vec::new();
    references(&document, &mut |place| {
        if document.pointer(place).is_none() {
            wrong.push(place.to_owned());
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
}

fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                found(reference.strip_prefix('#').unwrap());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_variable_part_of_a_path_is_explained() {
    let parts = ROUTES.iter().flat_map(|route| parts::names(route.path));
    let unknown: BTreeSet<&str> = parts.filter(|name| !parts::is_known(name)).collect();
    assert_eq!(unknown, BTreeSet::new());
}

#[test]
fn every_operation_says_who_may_call_it_and_how_it_refuses() {
    let document = document();
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        let role = match route.access {
            crate::routes::Access::Open => Value::Null,
            crate::routes::Access::Role { least, .. } => json!(least.as_str()),
        };
        assert_eq!(operation["x-wforge-role"], role, "{}", route.path);
        let refused = &operation["responses"]["421"]["$ref"];
        assert_eq!(*refused, "#/components/responses/WF0421", "{}", route.path);
    }
}

#[test]
fn a_refusal_is_a_problem_and_names_its_codes() {
    let document = document();
    let responses = document["components"]["responses"].as_object().unwrap();
    for (name, response) in responses {
        let schema = &response["content"]["application/problem+json"]["schema"];
        assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{name}");
        let codes: Vec<&str> = name.split('-').collect();
        assert_eq!(response["x-wforge-codes"], json!(codes));
    }
    let waits = &document["paths"]["/v1/webhooks"]["post"]["responses"]["429"]["$ref"];
    assert_eq!(*waits, "#/components/responses/WF0429-WF1009-WF1010-WF1011");
    let waits = &responses["WF0429-WF1009-WF1010-WF1011"];
    assert_eq!(waits["headers"]["Retry-After"]["schema"]["type"], "integer");
}

/// What each operation would say for itself is said once.
#[test]
fn the_document_stays_small() {
    const BYTES_MAX: usize = 700_000;
    let bytes = text().len();
    assert!(bytes < BYTES_MAX, "{bytes} bytes");
}

/// `UPDATE_EXPECT=1 cargo test -p wforge-api` writes it anew.
#[test]
fn the_copy_in_the_documentation_is_the_document() {
    let text = String::from_utf8(text().to_vec()).unwrap();
    expect_test::expect_file!["../../../../../docs/reference/openapi.json"].assert_eq(&text);
}

#[test]
fn an_object_of_any_keys_says_so_and_an_empty_one_too() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["RunStart"]["properties"]["input"]["additionalProperties"], json!(true));
    assert_eq!(schemas["NoBody"]["additionalProperties"], json!(false));
}

#[test]
fn one_name_is_one_schema() {
    let mut seen = std::collections::BTreeMap::new();
    let operations = operations::all();
    let parts = operations.iter().flat_map(shapes).flat_map(|shape| &shape.parts);
    for (name, schema) in parts {
        assert_eq!(*seen.entry(name).or_insert(schema), schema, "{name} is two things");
    }
}

#[test]
fn a_resource_has_what_all_have_and_its_own_fields_beside() {
    let shape = Shape::resource::<wforge_model::head::RunHead>("RunRow", "run");
    let [frame, own] = shape.parts["RunRow"]["allOf"].as_array().unwrap().as_slice() else {
        panic!("two parts")
    };
    assert_eq!(frame["properties"]["kind"]["const"], "run");
    assert_eq!(own["properties"]["status"]["$ref"], "#/components/schemas/RunStatus");
    assert!(own["required"].as_array().unwrap().contains(&json!("outcome")), "it is null or so");
    assert_eq!(shape.parts["RunId"]["pattern"], "^run_[0-9a-f]{32}$");
}
