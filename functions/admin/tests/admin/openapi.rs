use axum::http::{Method, StatusCode};
use door::Door;
use service::testing::{Contract, routes};

use crate::harness::{Service, absent, router};

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else() {
    let router = router(absent(), Door::closed("nobody was named")).await;
    let told = Contract::of(&router).await.unwrap().operations();
    assert_eq!(routes(&router).await, told);
    assert!(told.contains("DELETE /admin/keys/{id}"));
}

/// The call itself checks each answer against the document.
#[tokio::test]
async fn every_example_is_accepted() {
    let service = Service::start().await;
    let contract = service.contract().await;
    let key = service.key(&serde_json::json!({"name": "shop"})).await;
    let key = key["id"].as_str().unwrap();
    let mut sent = 0;
    for operation in contract.operations() {
        let (method, path) = operation.split_once(' ').unwrap();
        let body = &contract.document["paths"][path][method.to_lowercase()]["requestBody"]["content"];
        let Some(content) = body.get("application/json") else { continue };
        for (name, example) in content["examples"].as_object().unwrap() {
            let value = &example["value"];
            assert!(
                contract.validator(&content["schema"]).is_valid(value),
                "{name} is not what its schema says"
            );
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = service
                .send(method, &path.replace("{id}", key).replace("{type}", "order.paid"), &value.to_string())
                .await;
            assert!(answer.status.is_success(), "{operation} {name}: {answer:?}");
            sent += 1;
        }
    }
    assert_eq!(sent, 5);
}

/// The schema of an answer allows its example, but only with all members.
#[tokio::test]
async fn every_answer_that_is_shown_is_what_its_schema_says() {
    let router = router(absent(), Door::open()).await;
    let contract = Contract::of(&router).await.unwrap();
    let mut shown = 0;
    for operation in contract.operations() {
        let (method, path) = operation.split_once(' ').unwrap();
        let answers = &contract.document["paths"][path][method.to_lowercase()]["responses"];
        for (status, answer) in answers.as_object().unwrap() {
            let Some(content) = answer["content"].get("application/json") else { continue };
            let Some(example) = content.get("example") else { continue };
            let validator = contract.validator(&content["schema"]);
            assert!(validator.is_valid(example), "{operation} {status}: {example}");
            let mut less = example.clone();
            let name = less.as_object().unwrap().keys().next().unwrap().clone();
            less.as_object_mut().unwrap().remove(&name);
            assert!(!validator.is_valid(&less), "{operation}: {name} may be left out");
            shown += 1;
        }
    }
    assert_eq!(shown, 4);
}

#[tokio::test]
async fn the_page_shows_every_operation_to_everybody() {
    let service = Service::behind(Door::closed("nobody was named"), admin::Roles::default()).await;
    let page = service.get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let contract = service.contract().await;
    for operation in contract.operations() {
        let (_, path) = operation.split_once(' ').unwrap();
        assert!(page.contains(path), "{operation}");
    }
    assert!(!page.contains("://"), "{page}");
}
