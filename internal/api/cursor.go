package api

import (
	"encoding/base64"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

// encode the place after an item as a cursor.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // strings and numbers always marshal
		panic("api: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decode a cursor; nil for none.
func decode[T any](cursor string) (*T, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	v := new(T)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return nil, huma.Error422UnprocessableEntity("cursor is not one that the API gave: take next of the page before")
	}
	return v, nil
}
