import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** MongoDB's wire protocol over memory: prints its URL, and ends when its standard input does. Arguments: [HOST PORT] */
public class Main {
  public static void main(String[] arguments) throws Exception {
    // The driver wants wire version 9 (MongoDB 4.4); the server speaks enough of it and reports 8.
    MongoVersion version =
        new MongoVersion() {
          @Override
          public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
          }

          @Override
          public int getWireVersion() {
            return 13;
          }
        };
    MongoServer server = new MongoServer(new MemoryBackend().version(version));
    String host = arguments.length == 2 ? arguments[0] : "127.0.0.1";
    int port = arguments.length == 2 ? Integer.parseInt(arguments[1]) : 0;
    server.bind(host, port);
    System.out.println("mongodb://" + host + ":" + server.getLocalAddress().getPort() + "/");
    while (System.in.read() >= 0) {}
    server.shutdownNow();
    System.exit(0);
  }
}
