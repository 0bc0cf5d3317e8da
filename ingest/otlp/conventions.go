package otlp

// number is a numeric feature of an event.
type number uint8

const (
	inputTokens number = iota
	outputTokens
	totalTokens
	cachedTokens
	reasoningTokens
	firstTokenMS
	queueMS
	temperature
	topP
	topK
	tokenLimit
	frequencyPenalty
	presencePenalty
	choices
	numbers
)

var numberNames = [numbers]string{
	"input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "reasoning_tokens",
	"time_to_first_token_ms", "time_in_queue_ms",
	"temperature", "top_p", "top_k", "max_tokens", "frequency_penalty", "presence_penalty", "choices",
}

// word is a string that is read from a span.
type word uint8

const (
	tenantWord word = iota
	segmentWord
	kindWord
	operationWord
	providerWord
	modelWord
	responseModelWord
	responseIDWord
	finishWord
	errorWord
	invocationWord
	wordSlots
)

// target is what a span's attribute is read into, unless another with a lower
// rank is there. A scale of 0 marks a word.
type target struct {
	slot  uint8
	rank  uint8
	scale float64
}

func num(n number, rank uint8) target     { return target{uint8(n), rank, 1} }
func seconds(n number, rank uint8) target { return target{uint8(n), rank, 1000} } // to milliseconds
func text(w word, rank uint8) target      { return target{slot: uint8(w), rank: rank} }

// spanAttributes are the only attributes of spans that are read. Prompts,
// completions, tool calls and documents are in others: they are skipped by
// their key and leave no trace in what is stored.
//
// Where one thing has several names, the rank is the order of trust:
//
//   - 0: the GenAI conventions of OpenTelemetry (semantic-conventions-genai, Development)
//   - 1: their names up to semantic-conventions 1.36
//   - 2: what vLLM sends besides (gen_ai.latency.*, in seconds)
//   - 3 and up: OpenInference (Arize-ai/openinference, spec/semantic_conventions)
var spanAttributes = map[string]target{
	"driftline.tenant":  text(tenantWord, 0),
	"tenant.id":         text(tenantWord, 1),
	"driftline.segment": text(segmentWord, 0),

	"gen_ai.operation.name":          text(operationWord, 0),
	"gen_ai.provider.name":           text(providerWord, 0),
	"gen_ai.system":                  text(providerWord, 1),
	"gen_ai.request.model":           text(modelWord, 0),
	"gen_ai.response.model":          text(responseModelWord, 0),
	"gen_ai.response.id":             text(responseIDWord, 0),
	"gen_ai.response.finish_reasons": text(finishWord, 0),
	"error.type":                     text(errorWord, 0),

	"gen_ai.usage.input_tokens":            num(inputTokens, 0),
	"gen_ai.usage.prompt_tokens":           num(inputTokens, 1),
	"gen_ai.usage.output_tokens":           num(outputTokens, 0),
	"gen_ai.usage.completion_tokens":       num(outputTokens, 1),
	"gen_ai.usage.total_tokens":            num(totalTokens, 1),
	"gen_ai.usage.cache_read.input_tokens": num(cachedTokens, 0),
	"gen_ai.usage.reasoning.output_tokens": num(reasoningTokens, 0),
	"gen_ai.response.time_to_first_chunk":  seconds(firstTokenMS, 0),
	"gen_ai.server.time_to_first_token":    seconds(firstTokenMS, 1),
	"gen_ai.latency.time_to_first_token":   seconds(firstTokenMS, 2),
	"gen_ai.latency.time_in_queue":         seconds(queueMS, 2),
	"gen_ai.request.temperature":           num(temperature, 0),
	"gen_ai.request.top_p":                 num(topP, 0),
	"gen_ai.request.top_k":                 num(topK, 0),
	"gen_ai.request.max_tokens":            num(tokenLimit, 0),
	"gen_ai.request.frequency_penalty":     num(frequencyPenalty, 0),
	"gen_ai.request.presence_penalty":      num(presencePenalty, 0),
	"gen_ai.request.choice.count":          num(choices, 0),
	"gen_ai.request.n":                     num(choices, 2),

	"openinference.span.kind":   text(kindWord, 0),
	"llm.provider":              text(providerWord, 3),
	"llm.system":                text(providerWord, 4),
	"llm.request.model_name":    text(modelWord, 3),
	"llm.model_name":            text(modelWord, 4),
	"embedding.model_name":      text(modelWord, 5),
	"reranker.model_name":       text(modelWord, 6),
	"llm.response.model_name":   text(responseModelWord, 3),
	"llm.finish_reason":         text(finishWord, 3),
	"llm.invocation_parameters": text(invocationWord, 3),

	"llm.token_count.prompt":                       num(inputTokens, 3),
	"llm.token_count.completion":                   num(outputTokens, 3),
	"llm.token_count.total":                        num(totalTokens, 3),
	"llm.token_count.prompt_details.cache_read":    num(cachedTokens, 3),
	"llm.token_count.completion_details.reasoning": num(reasoningTokens, 3),
}

// invocationParameters are the only keys that are read from the JSON object in
// llm.invocation_parameters, by the names of the OpenAI API.
var invocationParameters = [...]struct {
	name string
	into number
}{
	{"temperature", temperature},
	{"top_p", topP},
	{"top_k", topK},
	{"max_completion_tokens", tokenLimit},
	{"max_tokens", tokenLimit},
	{"frequency_penalty", frequencyPenalty},
	{"presence_penalty", presencePenalty},
	{"n", choices},
}

// kindOperations are the OpenInference kinds of span that call a model, and
// the operation that they are when the span does not name it.
var kindOperations = map[string]string{"LLM": "llm", "EMBEDDING": "embeddings", "RERANKER": "rerank"}

// noModelCall are the operations of the GenAI conventions that are not one
// call to a model. An agent's span names a model too, but the calls to it have
// spans of their own. Operations that the conventions do not know are taken.
var noModelCall = map[string]bool{
	"create_agent": true, "invoke_agent": true, "invoke_workflow": true, "plan": true,
	"execute_tool": true, "retrieval": true, "fetch_response": true,
	"create_memory": true, "update_memory": true, "upsert_memory": true, "delete_memory": true, "search_memory": true,
	"create_memory_store": true, "delete_memory_store": true,
}
