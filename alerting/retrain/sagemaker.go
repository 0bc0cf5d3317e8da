package retrain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/schemas"
)

// SageMaker's limits.
const (
	maxSageMakerParameters  = 200
	maxSageMakerValue       = 1024
	maxSageMakerDisplayName = 82
)

// sageMaker speaks the JSON 1.1 protocol of Amazon Web Services. A
// ClientRequestToken that was taken before gives the same execution.
type sageMaker struct {
	cfg SageMaker
	client
}

type sageMakerStart struct {
	PipelineName                 string               `json:"PipelineName"`
	PipelineExecutionDisplayName string               `json:"PipelineExecutionDisplayName"`
	PipelineParameters           []sageMakerParameter `json:"PipelineParameters"`
	ClientRequestToken           string               `json:"ClientRequestToken"`
}

type sageMakerParameter struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

func newSageMaker(cfg SageMaker, c client) *sageMaker {
	s := &sageMaker{cfg: cfg, client: c}
	signer := v4.NewSigner()
	s.sign = func(req *http.Request, body []byte) error {
		sum := sha256.Sum256(body)
		who := aws.Credentials{AccessKeyID: cfg.AccessKey, SecretAccessKey: cfg.SecretKey.Value(), SessionToken: cfg.SessionToken.Value()}
		return signer.SignHTTP(req.Context(), who, req, hex.EncodeToString(sum[:]), "sagemaker", cfg.Region, time.Now())
	}
	return s
}

func (s *sageMaker) url() string {
	if s.cfg.URL != "" {
		return strings.TrimSuffix(s.cfg.URL, "/") + "/"
	}
	return "https://api.sagemaker." + s.cfg.Region + ".amazonaws.com/"
}

// call one operation. Amazon answers 400 also to what may pass.
func (s *sageMaker) call(ctx context.Context, operation string, body, out any) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return backoff.Permanent(err)
	}
	_, err = s.send(ctx, http.MethodPost, s.url(), "application/x-amz-json-1.1", payload, out, "X-Amz-Target", "SageMaker."+operation)
	if err != nil {
		for _, passes := range []string{"ThrottlingException", "ConflictException", "ResourceLimitExceeded", "RequestExpired", "ServiceUnavailable"} {
			if strings.Contains(err.Error(), passes) {
				return fmt.Errorf("%s: %s", operation, err.Error())
			}
		}
		return wrapped(operation, err)
	}
	return nil
}

func (s *sageMaker) start(ctx context.Context, t *Trigger) (string, error) {
	body := sageMakerStart{PipelineName: s.cfg.Pipeline, PipelineExecutionDisplayName: t.Key[:min(len(t.Key), maxSageMakerDisplayName)], ClientRequestToken: t.Key}
	for _, p := range t.pairs() {
		value := []rune(p[1])
		body.PipelineParameters = append(body.PipelineParameters, sageMakerParameter{p[0], string(value[:min(len(value), maxSageMakerValue)])})
	}
	if n := len(body.PipelineParameters); n > maxSageMakerParameters {
		return "", backoff.Permanent(fmt.Errorf("%d parameters; SageMaker takes %d", n, maxSageMakerParameters))
	}
	var execution struct {
		ARN string `json:"PipelineExecutionArn"`
	}
	err := s.call(ctx, "StartPipelineExecution", body, &execution)
	return execution.ARN, err
}

func (s *sageMaker) state(ctx context.Context, _ *Trigger, runID string) (schemas.RunState, string, error) {
	var execution struct {
		Status string `json:"PipelineExecutionStatus"`
		Reason string `json:"FailureReason"`
	}
	if err := s.call(ctx, "DescribePipelineExecution", map[string]string{"PipelineExecutionArn": runID}, &execution); err != nil {
		return "", "", err
	}
	said := strings.TrimSpace(execution.Status + " " + execution.Reason)
	switch execution.Status {
	case "Succeeded":
		return schemas.RunSucceeded, said, nil
	case "Failed", "Stopped":
		return schemas.RunFailed, said, nil
	}
	return schemas.RunRunning, said, nil
}
