-- The catalog is complete here: openapi.json is made of it.

delete from api.document;
insert into api.document (name, body) select 'openapi', api.openapi_document();
