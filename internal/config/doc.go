// Package config loads configuration: strict YAML into documented structs,
// with environment variables, secrets from files, and every mistake reported
// at once by file, line and key.
package config
