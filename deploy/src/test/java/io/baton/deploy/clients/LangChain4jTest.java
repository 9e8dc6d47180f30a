package io.baton.deploy.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import io.baton.deploy.DemoCluster;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** LangChain4j against a real cluster: its JDK HTTP client asks for the h2c upgrade. */
@ExtendWith(DemoCluster.class)
class LangChain4jTest {
    private static OpenAiChatModel model(DemoCluster cluster, double temperature) throws Exception {
        return OpenAiChatModel.builder()
                .baseUrl(cluster.url() + "/v1")
                .apiKey("none")
                .modelName(cluster.model())
                .temperature(temperature)
                .maxTokens(12)
                .maxRetries(0)
                .build();
    }

    @Test
    void aConversationAndItsStreamAgree(DemoCluster cluster) throws Exception {
        ChatResponse first = model(cluster, 0.0).chat(UserMessage.from("Hello there"));
        List<ChatMessage> messages =
                List.of(
                        UserMessage.from("Hello there"),
                        AiMessage.from(first.aiMessage().text() + "."),
                        UserMessage.from("And then?"));
        ChatResponse whole = model(cluster, 0.0).chat(messages);
        assertTrue(whole.tokenUsage().inputTokenCount() > 0);
        CompletableFuture<ChatResponse> streamed = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder()
                .baseUrl(cluster.url() + "/v1")
                .apiKey("none")
                .modelName(cluster.model())
                .temperature(0.0)
                .maxTokens(12)
                .build()
                .chat(
                        messages,
                        new StreamingChatResponseHandler() {
                            @Override
                            public void onPartialResponse(String part) {
                                assertNotNull(part);
                            }

                            @Override
                            public void onCompleteResponse(ChatResponse response) {
                                streamed.complete(response);
                            }

                            @Override
                            public void onError(Throwable error) {
                                streamed.completeExceptionally(error);
                            }
                        });
        assertEquals(
                whole.aiMessage().text(), streamed.get(60, TimeUnit.SECONDS).aiMessage().text());
    }

    @Test
    void aBadValueIsAnInvalidRequest(DemoCluster cluster) {
        assertThrows(
                InvalidRequestException.class,
                () -> model(cluster, 9.0).chat(UserMessage.from("Hello there")));
    }
}
