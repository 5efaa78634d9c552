package dev.nightjar.job;

import com.sun.jdi.AbsentInformationException;
import com.sun.jdi.Bootstrap;
import com.sun.jdi.IncompatibleThreadStateException;
import com.sun.jdi.Location;
import com.sun.jdi.ReferenceType;
import com.sun.jdi.StringReference;
import com.sun.jdi.VMDisconnectedException;
import com.sun.jdi.VirtualMachine;
import com.sun.jdi.connect.Connector;
import com.sun.jdi.connect.IllegalConnectorArgumentsException;
import com.sun.jdi.connect.ListeningConnector;
import com.sun.jdi.event.BreakpointEvent;
import com.sun.jdi.event.ClassPrepareEvent;
import com.sun.jdi.event.Event;
import com.sun.jdi.event.EventSet;
import com.sun.jdi.request.BreakpointRequest;
import com.sun.jdi.request.ClassPrepareRequest;
import com.sun.jdi.request.EventRequest;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stops threads of other JVMs for good at the end of a method that was called with a text; the rest
 * of such a JVM goes on. JVMs that are started with {@link #flag} connect to it.
 */
final class Debugger implements AutoCloseable {
  private final ListeningConnector connector;
  private final Map<String, Connector.Argument> arguments;
  private final String address;
  private final String type;
  private final String method;
  private final String text;
  private final AtomicInteger stopped = new AtomicInteger();

  private Debugger(String type, String method, String text)
      throws IOException, IllegalConnectorArgumentsException {
    this.type = type;
    this.method = method;
    this.text = text;
    connector =
        Bootstrap.virtualMachineManager().listeningConnectors().stream()
            .filter(c -> c.name().equals("com.sun.jdi.SocketListen"))
            .findFirst()
            .orElseThrow();
    arguments = connector.defaultArguments();
    arguments.get("localAddress").setValue("127.0.0.1");
    arguments.get("port").setValue("0");
    address = connector.startListening(arguments);
    Thread.ofPlatform().daemon().start(this::accept);
  }

  /** Waits for JVMs; {@code text} is the method's first argument. */
  static Debugger stopAt(String type, String method, String text) throws IOException {
    try {
      return new Debugger(type, method, text);
    } catch (IllegalConnectorArgumentsException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The JVM flag that connects. */
  String flag() {
    return "-agentlib:jdwp=transport=dt_socket,server=n,suspend=y,address="
        + address.replaceFirst("^[^:]*", "127.0.0.1");
  }

  /** Threads that were stopped. */
  int stopped() {
    return stopped.get();
  }

  private void accept() {
    try {
      while (true) {
        VirtualMachine machine = connector.accept(arguments);
        Thread.ofPlatform().daemon().start(() -> follow(machine));
      }
    } catch (IOException | IllegalConnectorArgumentsException e) {
      // close() ends the listening.
      return;
    }
  }

  private void follow(VirtualMachine machine) {
    ClassPrepareRequest request = machine.eventRequestManager().createClassPrepareRequest();
    request.addClassFilter(type);
    request.enable();
    machine.resume();
    try {
      while (true) {
        EventSet events = machine.eventQueue().remove();
        boolean goesOn = true;
        for (Event event : events) {
          if (event instanceof ClassPrepareEvent loaded) {
            breakIn(machine, loaded.referenceType());
          } else if (event instanceof BreakpointEvent hit) {
            goesOn &= !isCalledWithText(hit);
          }
        }
        if (goesOn) {
          events.resume();
        } else {
          stopped.incrementAndGet();
        }
      }
    } catch (VMDisconnectedException e) {
      // The process ended.
      return;
    } catch (InterruptedException
        | AbsentInformationException
        | IncompatibleThreadStateException e) {
      throw new IllegalStateException(e);
    }
  }

  private void breakIn(VirtualMachine machine, ReferenceType loaded)
      throws AbsentInformationException {
    List<Location> lines = loaded.methodsByName(method).getFirst().allLineLocations();
    BreakpointRequest stop = machine.eventRequestManager().createBreakpointRequest(lines.getLast());
    stop.setSuspendPolicy(EventRequest.SUSPEND_EVENT_THREAD);
    stop.enable();
  }

  private boolean isCalledWithText(BreakpointEvent hit) throws IncompatibleThreadStateException {
    return hit.thread().frame(0).getArgumentValues().getFirst() instanceof StringReference argument
        && argument.value().equals(text);
  }

  @Override
  public void close() throws IOException {
    try {
      connector.stopListening(arguments);
    } catch (IllegalConnectorArgumentsException e) {
      throw new IllegalStateException(e);
    }
  }
}
